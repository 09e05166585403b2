// The official TypeScript client of MCP, driven over standard input and output.
//
// Takes JSON-RPC lines with the methods `open`, `list`, `call` and `close`, and does each with the client. What the
// client itself checks (schemas, versions, the order of messages) fails here as it would for a user.
// The one argument is the folder that holds `node_modules`.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const require = createRequire(join(process.argv[2], 'package.json'));
const { Client } = require('@modelcontextprotocol/sdk/client/index.js');
const { StdioClientTransport } = require('@modelcontextprotocol/sdk/client/stdio.js');
const { StreamableHTTPClientTransport } = require('@modelcontextprotocol/sdk/client/streamableHttp.js');
const { McpError } = require('@modelcontextprotocol/sdk/types.js');

let client;
let negotiated;

/** The revision of the protocol to ask for: the client itself always asks for its newest. */
function asking(transport, revision) {
  const send = transport.send.bind(transport);
  transport.send = (message, options) => {
    if (message.method === 'initialize') {
      message = { ...message, params: { ...message.params, protocolVersion: revision } };
    }
    return send(message, options);
  };
  return transport;
}

function transportTo(params) {
  if (params.url !== undefined) {
    const headers = params.token === undefined ? {} : { Authorization: `Bearer ${params.token}` };
    return new StreamableHTTPClientTransport(new URL(params.url), { requestInit: { headers } });
  }
  const [command, ...args] = params.command;
  return new StdioClientTransport({ command, args, env: params.env, cwd: params.folder });
}

const methods = {
  async open(params) {
    client = new Client({ name: 'datamcp-clients-lane', version: '1' }, { capabilities: {} });
    const transport = asking(transportTo(params), params.mode);
    const tell = transport.setProtocolVersion?.bind(transport);
    transport.setProtocolVersion = (version) => {
      negotiated = version;
      tell?.(version);
    };
    await client.connect(transport);
    return {
      protocol: negotiated,
      server: client.getServerVersion().name,
      instructions: client.getInstructions(),
    };
  },

  async list() {
    const tools = [];
    let cursor;
    do {
      const page = await client.listTools({ cursor });
      tools.push(...page.tools);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return { tools };
  },

  async call({ tool, arguments: given, give_up_after_s: patience }) {
    const progress = [];
    const leave = new AbortController();
    const timer = patience && setTimeout(() => leave.abort(), patience * 1000);
    try {
      const result = await client.callTool({ name: tool, arguments: given }, undefined, {
        onprogress: (note) => progress.push(note),
        resetTimeoutOnProgress: true,
        signal: leave.signal,
        timeout: 600_000,
      });
      const texts = result.content.filter((part) => part.type === 'text').map((part) => part.text);
      return {
        is_error: result.isError ?? false,
        structured: result.structuredContent,
        text: texts.join('\n'),
        progress,
      };
    } catch (error) {
      if (leave.signal.aborted) return { gave_up: true, progress };
      throw error;
    } finally {
      clearTimeout(timer);
    }
  },

  async close() {
    await client.close();
    return {};
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  const answer = { jsonrpc: '2.0', id };
  try {
    answer.result = await methods[method](params);
  } catch (error) {
    const code = error instanceof McpError ? error.code : 0;
    answer.error = { code, message: `${error.name}: ${error.message}` };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
