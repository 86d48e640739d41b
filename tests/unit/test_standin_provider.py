"""Operations of the provider base of the stand-ins, called as the engine calls them."""

import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, status_pb2
from standin.values import UNKNOWN
from standin.wire import decode, encode

from tests.unit.standin_engine import Caller, running, urn
from tests.unit.standin_toy import TOKEN, Thing, ToyConfig

SECRET = "very-secret-value"


@pytest.fixture
def caller() -> Iterator[Caller]:
    with running(ToyConfig(), [Thing()]) as running_caller:
        yield running_caller


def raised(call: pytest.ExceptionInfo[grpc.RpcError]) -> tuple[grpc.StatusCode, str]:
    error: Any = call.value
    return error.code(), error.details()


def test_an_unknown_type_fails_with_the_types_that_there_are(caller: Caller) -> None:
    with pytest.raises(grpc.RpcError) as error:
        caller.check("toy:index:Other", {})
    code, text = raised(error)
    assert code is grpc.StatusCode.UNIMPLEMENTED
    assert "toy:index:Other" in text and TOKEN in text


def test_a_function_fails_clearly(caller: Caller) -> None:
    with pytest.raises(grpc.RpcError) as error:
        caller.stub.Invoke(provider_pb2.InvokeRequest(tok="toy:index:getThing"))
    assert "no function 'toy:index:getThing'" in raised(error)[1]


def test_a_preview_creates_nothing_and_leaves_outputs_unknown(caller: Caller) -> None:
    answer = caller.create(TOKEN, {"name": "a", "mode": "fail", "size": UNKNOWN}, preview=True)
    assert answer.id == ""
    assert decode(answer.properties).values == {"name": "a", "mode": "fail", "size": UNKNOWN, "address": UNKNOWN}


def test_secret_inputs_stay_secret_in_outputs(caller: Caller) -> None:
    inputs = {"name": SECRET, "tags": ["b", "a"], "nested": {"inner": "i", "list": ["x"]}}
    answer = caller.create(TOKEN, inputs, [("name",), ("tags", 0), ("nested", "list", 0)])
    made = decode(answer.properties)
    assert made.values["tags"] == ["a", "b"]
    # The list was sorted, so which part was secret is not known any more: all of it is.
    assert made.secrets == {("name",), ("tags",), ("nested", "list", 0), ("token",)}


def test_an_output_that_became_secret_stays_so_when_read(caller: Caller) -> None:
    answer = caller.stub.Read(
        provider_pb2.ReadRequest(
            id="1",
            urn=urn(TOKEN),
            type=TOKEN,
            inputs=encode({"name": "n"}),
            properties=encode({"name": "n", "address": "10.0.0.1"}, [("address",)]),
        )
    )
    assert decode(answer.properties).values["address"] == "10.0.0.2"
    assert decode(answer.properties).secrets == {("address",)}


def test_a_resource_that_is_gone_is_read_as_nothing(caller: Caller) -> None:
    assert caller.stub.Read(provider_pb2.ReadRequest(id="gone", urn=urn(TOKEN), type=TOKEN)).id == ""


def test_an_error_carries_its_text_but_no_secret(caller: Caller) -> None:
    with pytest.raises(grpc.RpcError) as error:
        caller.create(TOKEN, {"name": "a", "mode": "fail", "password": SECRET}, [("password",)])
    assert raised(error) == (grpc.StatusCode.UNKNOWN, "the server said: [secret] is wrong")


def test_a_crash_is_told_as_the_stand_ins_own_and_shows_no_secret(caller: Caller, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(grpc.RpcError) as error:
        caller.create(TOKEN, {"name": "a", "mode": "crash", "password": SECRET}, [("password",)])
    code, text = raised(error)
    assert code is grpc.StatusCode.INTERNAL
    assert "internal error of the stand-in plugin: KeyError" in text
    assert SECRET not in text and SECRET not in capfd.readouterr().err


def test_a_half_made_resource_is_recorded_with_the_error(caller: Caller) -> None:
    with pytest.raises(grpc.RpcError) as error:
        caller.create(TOKEN, {"name": "a", "mode": "half", "password": SECRET}, [("password",)])
    rpc_error: Any = error.value
    details = dict(rpc_error.trailing_metadata())["grpc-status-details-bin"]
    partial = provider_pb2.ErrorResourceInitFailed()
    status_pb2.Status.FromString(details).details[0].Unpack(partial)
    assert (partial.id, list(partial.reasons)) == ("half-made", ["it does not answer"])
    assert decode(partial.properties).secrets == {("password",)}


def test_messages_reach_the_engine_with_the_resource_and_no_secret(caller: Caller) -> None:
    caller.stub.Configure(provider_pb2.ConfigureRequest(args=encode({"host": "h", "options": '["-x"]'})))
    caller.create(TOKEN, {"name": "a", "mode": "show", "password": SECRET}, [("password",)])
    announced, status, info = caller.engine.messages
    assert "stand-in" in announced.message and TOKEN in announced.message
    assert (status.message, status.urn, status.ephemeral) == ("signing in with [secret]", urn(TOKEN), True)
    assert info.message == "configured with {'host': 'h', 'options': ['-x']}"


def test_a_wrong_configuration_is_refused_before_anything_is_made(caller: Caller) -> None:
    answer = caller.stub.CheckConfig(provider_pb2.CheckRequest(news=encode({"host": "h", "options": "not json"})))
    assert [failure.property for failure in answer.failures] == ["options"]
    with pytest.raises(grpc.RpcError) as error:
        caller.stub.Configure(provider_pb2.ConfigureRequest(args=encode({"host": "bad"})))
    assert "host: must be good" in raised(error)[1]


def test_an_unknown_configuration_is_left_for_later(caller: Caller) -> None:
    news = encode({"host": UNKNOWN, "version": "1.0.0"})
    assert not caller.stub.CheckConfig(provider_pb2.CheckRequest(news=news)).failures
    caller.stub.Configure(provider_pb2.ConfigureRequest(args=news))
    caller.create(TOKEN, {"name": "a"}, preview=True)


def test_cancelling_ends_a_running_operation(caller: Caller) -> None:
    future = caller.stub.Create.future(
        provider_pb2.CreateRequest(urn=urn(TOKEN), type=TOKEN, properties=encode({"name": "a", "mode": "wait"}))
    )
    while not caller.engine.messages:
        assert not future.done()
        threading.Event().wait(0.01)
    caller.stub.Cancel(empty_pb2.Empty())
    assert "cancelled" in str(future.exception(timeout=5))


def test_a_custom_timeout_ends_a_running_operation(caller: Caller) -> None:
    with pytest.raises(grpc.RpcError) as error:
        caller.create(TOKEN, {"name": "a", "mode": "wait"}, timeout=0.2)
    assert "not done after 0.2 s" in raised(error)[1]


def test_deleting_reports_why_it_could_not(caller: Caller) -> None:
    caller.stub.Delete(provider_pb2.DeleteRequest(id="1", urn=urn(TOKEN), type=TOKEN))
    with pytest.raises(grpc.RpcError) as error:
        caller.stub.Delete(provider_pb2.DeleteRequest(id="stuck", urn=urn(TOKEN), type=TOKEN))
    assert raised(error)[1] == "it is in use"


def test_an_update_keeps_secrets_of_the_new_inputs(caller: Caller) -> None:
    answer = caller.stub.Update(
        provider_pb2.UpdateRequest(
            id="1",
            urn=urn(TOKEN),
            type=TOKEN,
            olds=encode({"name": "a", "address": "x"}),
            news=encode({"name": "b"}, [("name",)]),
        )
    )
    made = decode(answer.properties)
    assert made.values == {"name": "b", "address": "x", "token": "t"}
    assert made.secrets == {("name",), ("token",)}
