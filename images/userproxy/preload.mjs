// Loaded before configurable-http-proxy, for what it has no options for.
import http from "node:http";
import { ConfigurableProxy } from "./node_modules/configurable-http-proxy/lib/configproxy.js";

// Node would end a request whose body has not come within 5 minutes, such as an upload over a slow line. How long a client may
// pause between two pieces is NGINX's to say; headers still have their minute.
const { createServer } = http;
http.createServer = (...given) => Object.assign(createServer(...given), { requestTimeout: 0 });

// Among the hub's routes is one for all that has no other. Without any, the hub has not given them to this process yet, and
// "not found" would be untrue; programs believe it, and give up what they asked for.
const { handleProxyError } = ConfigurableProxy.prototype;
ConfigurableProxy.prototype.handleProxyError = function (status, ...about) {
  return handleProxyError.call(this, status === 404 ? 503 : status, ...about);
};
