"""An API with a WebSocket that no page and no schema names."""

from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect

app = FastAPI(title="Ticker")


@app.get("/symbols/")
async def read_symbols(request: Request):
    return [str(request.url_for("read_symbol", name="ABC"))]


@app.get("/symbols/{name}")
async def read_symbol(name: str):
    return {"name": name}


@app.websocket("/ticks")
async def ticks(websocket: WebSocket):
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        pass
