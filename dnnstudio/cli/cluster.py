"""The commands that let other machines train: cluster and worker."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dnnstudio.core.text import harmless

app = typer.Typer()


@app.command()
def cluster(
    join: Annotated[
        Path, typer.Option("--join", metavar="FILE", help="Where to write the file that lets machines join.")
    ] = Path("dnnstudio-join.json"),
    listen: Annotated[
        str, typer.Option(metavar="ADDRESS", help="This machine's address in the network, with :PORT if it matters.")
    ] = "127.0.0.1",
    days: Annotated[int, typer.Option(min=1, max=30, help="How long machines can join; then the cluster ends.")] = 1,
) -> None:
    """Let other machines train: they join by a file that is valid for a day.

    Needs the extra: pip install "dnnstudio[cluster]". Without --listen, only this machine can join. Who holds the file
    can run programs on every machine that has joined: pass it on as you would a password. Ctrl+C ends the cluster.
    """
    from dnnstudio.runner.cluster.scheduler import serve

    serve(join, listen=listen, days=days, say=_say)


@app.command()
def worker(
    join: Annotated[Path, typer.Argument(metavar="JOIN_FILE", help="The file that `dnnstudio cluster` has written.")],
    jobs: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Trainings at a time; as cores and memory allow, by default.")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", metavar="DIR", help="Where data and runs are kept; a folder of its own, by default."),
    ] = None,
) -> None:
    """Train on this machine what a cluster sends, until Ctrl+C.

    Needs the extra: pip install "dnnstudio[cluster]". All machines need the same versions of dnnstudio, Python,
    TensorFlow and Keras. Data files are sent once and kept; runs go back when they end.
    """
    import platformdirs

    from dnnstudio.runner.capacity import default_jobs
    from dnnstudio.runner.cluster.extra import require
    from dnnstudio.runner.cluster.join_file import read_join_file
    from dnnstudio.runner.cluster.worker import work

    require()
    own = Path(platformdirs.user_cache_dir("dnnstudio", appauthor=False)) / "worker"
    work(read_join_file(join), (folder or own).absolute(), slots=jobs or default_jobs(), say=_say)


def _say(sentence: str) -> None:
    print(harmless(sentence), flush=True)
