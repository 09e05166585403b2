"""The official Python client of MCP, driven over standard input and output.

Takes JSON-RPC lines with the methods `open`, `list`, `call` and `close`, and does each with the client. What the
client itself checks (schemas, versions, the order of messages) fails here as it would for a user.
"""

import json
import sys
from contextlib import AsyncExitStack

import anyio
import httpx2
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError


class Bridge:
    """One connection at a time."""

    def __init__(self):
        self.stack = AsyncExitStack()
        self.client = None

    async def open(self, params):
        if "url" in params:
            headers = {"Authorization": f"Bearer {params['token']}"} if "token" in params else {}
            http = await self.stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=120))
            transport = streamable_http_client(params["url"], http_client=http)
        else:
            program, *arguments = params["command"]
            server = StdioServerParameters(
                command=program, args=arguments, env=params["env"], cwd=params["folder"]
            )
            transport = stdio_client(server)
        self.client = await self.stack.enter_async_context(Client(transport, mode=params["mode"]))
        server = self.client.server_info
        return {
            "protocol": self.client.protocol_version,
            "server": server.name if server else None,
            "instructions": self.client.instructions,
        }

    async def list(self, _params):
        tools = []
        cursor = None
        while True:
            page = await self.client.list_tools(cursor=cursor)
            tools += [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in page.tools]
            cursor = page.next_cursor
            if cursor is None:
                return {"tools": tools}

    async def call(self, params):
        progress = []

        async def saw(done, total, message):
            progress.append({"progress": done, "total": total, "message": message})

        result = None
        with anyio.move_on_after(params.get("give_up_after_s", 600)) as patience:
            result = await self.client.call_tool(params["tool"], params["arguments"], progress_callback=saw)
        if patience.cancelled_caught:
            return {"gave_up": True, "progress": progress}
        return {
            "is_error": result.is_error,
            "structured": result.structured_content,
            "text": "\n".join(part.text for part in result.content if part.type == "text"),
            "progress": progress,
        }

    async def close(self, _params):
        await self.stack.aclose()
        self.stack = AsyncExitStack()
        return {}


async def main():
    bridge = Bridge()
    methods = {"open": bridge.open, "list": bridge.list, "call": bridge.call, "close": bridge.close}
    while line := await anyio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True):
        request = json.loads(line)
        answer = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            answer["result"] = await methods[request["method"]](request["params"])
        except MCPError as error:
            answer["error"] = {"code": error.error.code, "message": error.error.message}
        except Exception as error:  # reported to whoever drives this program, with its kind
            answer["error"] = {"code": 0, "message": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


anyio.run(main)
