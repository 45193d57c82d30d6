"""A server that does nothing but ask the database as often, on the same libraries: no provider on them can cost less.

Gunicorn's own threaded worker, Flask and the driver, without cookies, forms, templates and tokens.
"""

import os
import sys
from functools import partial
from pathlib import Path

from flask import Flask
from pymongo import MongoClient, WriteConcern
from pymongo.collection import Collection

from benchmarks.servers import Server
from idp.settings_sections import Web

DATABASE = "bench_empty"
_PROJECT = Path(__file__).resolve().parents[2]
_ID = "asked-for"
_URI = "BENCH_MONGODB_URI"
# About what a document of ours holds, and a page.
_DOCUMENT = {f"field_{number}": "x" * 32 for number in range(10)}
_PAGE = "<!doctype html>" + "x" * 3000
# Of the commands of a sign-in every third writes, and waits for the majority.
_WRITES = 3


def application() -> Flask:
    """``/N`` asks the database N times."""
    app = Flask(__name__)
    client: MongoClient[dict[str, object]] = MongoClient(os.environ[_URI])
    documents = client[DATABASE].get_collection("documents", write_concern=WriteConcern(w="majority"))
    documents.replace_one({"_id": _ID}, _DOCUMENT, upsert=True)
    app.add_url_rule("/<int:commands>", view_func=partial(_answer, documents), endpoint="answer")
    return app


def _answer(documents: Collection[dict[str, object]], commands: int) -> str:
    for number in range(1, commands + 1):
        if number % _WRITES:
            documents.find_one({"_id": _ID})
        else:
            documents.insert_one(dict(_DOCUMENT))
    return _PAGE


def server(folder: Path, port: int, mongodb_uri: str, workers: int) -> Server:
    """It under gunicorn, not started yet."""
    threads = str(Web().threads)
    return Server(
        name="empty",
        arguments=(
            *(sys.executable, "-m", "gunicorn", "--no-control-socket", "--bind", f"127.0.0.1:{port}"),
            *("--workers", str(workers), "--threads", threads, "benchmarks.sign_in.empty:application()"),
        ),
        environment={_URI: mongodb_uri, "PYTHONPATH": str(_PROJECT)},
        # Where the provider's own gunicorn.conf.py does not stand.
        folder=folder,
        log_file=folder / "empty.log",
        port=port,
        ready_path="/0",
    )


def shares(commands: int, requests: int) -> list[int]:
    """How many commands each of the requests asks for: as alike as can be, all of them together."""
    each, left = divmod(commands, requests)
    return [each + (number < left) for number in range(requests)]
