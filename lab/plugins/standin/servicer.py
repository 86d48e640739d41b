"""The provider protocol's calls, answered by the resource types of one provider."""

# ruff: noqa: N802, ARG002 - the method names and arguments are the protocol's

import json
from typing import Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2

from standin.calls import CallingServicer
from standin.context import ConfigT, Message, Severity
from standin.errors import InvalidInput, ProviderError
from standin.replies import abort, diff_reply, failed_check, parsed_config
from standin.values import Properties, has_unknown
from standin.wire import decode


class Servicer(CallingServicer[ConfigT]):
    """Answers the engine."""

    # -- the plugin itself

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        self._engine.connect(request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True, accept_outputs=False)

    def Attach(self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self._engine.connect(request.address)
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=self._provider.version)

    def GetSchema(self, request: provider_pb2.GetSchemaRequest, context: grpc.ServicerContext) -> provider_pb2.GetSchemaResponse:
        resources: dict[str, Any] = {token: {} for token in self._provider.resource_types}
        schema = {"name": self._provider.name, "version": self._provider.version, "resources": resources}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self.cancel()
        return empty_pb2.Empty()

    def GetMapping(
        self, request: provider_pb2.GetMappingRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetMappingResponse:
        return provider_pb2.GetMappingResponse()

    def GetMappings(
        self, request: provider_pb2.GetMappingsRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetMappingsResponse:
        return provider_pb2.GetMappingsResponse()

    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> provider_pb2.InvokeResponse:
        abort(context, grpc.StatusCode.UNIMPLEMENTED, self._lacks("function", request.tok))

    def Call(self, request: provider_pb2.CallRequest, context: grpc.ServicerContext) -> provider_pb2.CallResponse:
        abort(context, grpc.StatusCode.UNIMPLEMENTED, self._lacks("method", request.tok))

    def Construct(self, request: provider_pb2.ConstructRequest, context: grpc.ServicerContext) -> provider_pb2.ConstructResponse:
        abort(context, grpc.StatusCode.UNIMPLEMENTED, self._lacks("component", request.type))

    # -- its configuration

    def CheckConfig(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:
        try:
            self._parsed(request.news)
        except InvalidInput as error:
            return failed_check(error)
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        old = decode(request.old_inputs or request.olds).values
        new = decode(request.news).values
        return diff_reply(self._provider.config_type.diff(old, new), request.ignoreChanges)

    def Configure(self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext) -> provider_pb2.ConfigureResponse:
        self._announce()
        try:
            config = self._parsed(request.args)
            if not has_unknown(config):
                self._config = self._provider.config_type.configure(config)
        except ProviderError as error:
            abort(context, grpc.StatusCode.INVALID_ARGUMENT, f"provider {self._provider.name}: {error}")
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=True, acceptOutputs=False)

    def _parsed(self, struct: struct_pb2.Struct) -> Properties:
        values = decode(struct).values
        # The engine's own: which plugin to load, from where.
        for name in ("version", "pluginDownloadURL"):
            values.pop(name, None)
        config_type = self._provider.config_type
        return config_type.check(parsed_config(dict(config_type.fields), values))

    # -- resources

    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:
        news, olds = decode(request.news), decode(request.olds)
        with self._call(request.urn, request.type, context, news) as call:
            try:
                checked = call.kind.check(call.context, news.values, olds.values)
            except InvalidInput as error:
                return failed_check(InvalidInput(error.path, call.context.redact(error.reason)))
            return provider_pb2.CheckResponse(inputs=call.encoded(checked))

    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        news, olds = decode(request.news), decode(request.olds)
        with self._call(request.urn, request.type, context, news) as call:
            known = {name: value for name, value in olds.values.items() if name in call.kind.fields}
            old_inputs = decode(request.old_inputs).values if request.HasField("old_inputs") else known
            diff = call.kind.diff(call.context, old_inputs, olds.values, news.values)
            return diff_reply(diff, request.ignoreChanges)

    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:
        news = decode(request.properties)
        with self._call(request.urn, request.type, context, news, request.timeout) as call:
            if request.preview:
                planned = call.kind.preview_create(call.context, news.values)
                return provider_pb2.CreateResponse(properties=call.encoded(planned))
            made = call.kind.create(call.context, news.values)
            return provider_pb2.CreateResponse(id=made.id, properties=call.encoded(made.outputs))

    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> provider_pb2.ReadResponse:
        inputs, outputs = decode(request.inputs), decode(request.properties)
        with self._call(request.urn, request.type, context, inputs) as call:
            found = call.kind.read(call.context, request.id, inputs.values, outputs.values)
            if found is None:
                return provider_pb2.ReadResponse()
            return provider_pb2.ReadResponse(
                id=request.id, inputs=call.encoded(found.inputs), properties=call.encoded(found.outputs, outputs)
            )

    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> provider_pb2.UpdateResponse:
        news, olds, old_inputs = decode(request.news), decode(request.olds), decode(request.old_inputs)
        with self._call(request.urn, request.type, context, news, request.timeout, (olds, old_inputs)) as call:
            if request.preview:
                planned = call.kind.preview_update(call.context, request.id, olds.values, news.values)
                return provider_pb2.UpdateResponse(properties=call.encoded(planned))
            outputs = call.kind.update(call.context, request.id, old_inputs.values, olds.values, news.values)
            return provider_pb2.UpdateResponse(properties=call.encoded(outputs))

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        inputs, outputs = decode(request.old_inputs), decode(request.properties)
        with self._call(request.urn, request.type, context, outputs, request.timeout, (inputs,)) as call:
            call.kind.delete(call.context, request.id, inputs.values, outputs.values)
            return empty_pb2.Empty()

    def _announce(self) -> None:
        known = ", ".join(sorted(self._provider.resource_types))
        text = (
            f"The {self._provider.name} plugin is this project's stand-in for version {self._provider.version}, "
            f"not the vendor's plugin. It knows: {known}."
        )
        self._engine.send(Message(Severity.INFO, text))
