// Proxies in front of the API at the URL in the argument, as projects have them. A line
// of the output for each is its URL:
//
//	1. express with compression, in front of everything
//	2. a reverse proxy on node's http that compresses all that may be transformed, and
//	   sends compressed bytes when a block of them is full
//	3. express with the API below /backend, which it strips
//
// They end when the standard input does.
import { createServer, request } from "node:http";
import { createGzip } from "node:zlib";
import compression from "compression";
import express from "express";
import { createProxyMiddleware } from "http-proxy-middleware";

process.stdin.on("close", () => process.exit()).resume();
const target = process.argv[2];

const compressing = express();
compressing.use(compression());
compressing.use(createProxyMiddleware({ target }));

function reverse(incoming, outgoing) {
	const forward = request(target + incoming.url, { method: incoming.method, headers: incoming.headers }, (answer) => {
		const headers = { ...answer.headers };
		const transform = /gzip/.test(incoming.headers["accept-encoding"]) && !headers["content-encoding"] && !/no-transform/.test(headers["cache-control"]);
		if (transform) {
			delete headers["content-length"];
			headers["content-encoding"] = "gzip";
			if (headers.etag) headers.etag = headers.etag.replace(/"$/, '-gzip"');
		}
		outgoing.writeHead(answer.statusCode, headers);
		answer.on("close", () => answer.complete || outgoing.destroy());
		(transform ? answer.pipe(createGzip()) : answer).pipe(outgoing);
	});
	forward.on("error", () => outgoing.destroy());
	outgoing.on("close", () => forward.destroy());
	incoming.pipe(forward);
}

const stripping = express();
stripping.use("/backend", createProxyMiddleware({ target }));

for (const handler of [compressing, reverse, stripping]) {
	const server = createServer(handler).listen(0, "127.0.0.1");
	await new Promise((resolve) => server.on("listening", resolve));
	console.log(`http://127.0.0.1:${server.address().port}`);
}
