"""Commands that begin with all modules and templates loaded: a server that forks, and a stand-in.

Each is a process of its own, with the folder, environment, input and output of whoever starts it;
what is spared is Python's start and the loading, most of a short command's time. Not for terminals,
nor for what Python reads when it starts, such as PYTHONPATH.
"""

import json
import os
import socket
import sys
from typing import NoReturn

_FILES = (0, 1, 2)


def _stand_for(where: str, arguments: list[str]) -> int:
    """Have a command run, and return its status; die as it does."""
    order = json.dumps([arguments, os.getcwd(), dict(os.environ)]).encode()  # noqa: PTH109
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(where)
        socket.send_fds(server, [b" "], _FILES)
        server.sendall(order)
        server.shutdown(socket.SHUT_WR)
        status = int(server.recv(10))
    if status < 0:
        os.kill(os.getpid(), -status)
    return status


def _serve(where: str) -> NoReturn:
    """Fork whenever someone asks, until standard input ends."""
    import gc
    import select
    import signal

    import click

    from duecourse.cli import main
    from duecourse.migrate import migration_paths
    from duecourse.objects import object_paths
    from duecourse.render import render

    with click.Context(main) as context:
        for name in main.list_commands(context):
            main.get_command(context, name)
    for path in (*migration_paths(), *object_paths()):
        render(path)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(where)
        listener.listen()
        print("ready", flush=True)
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            client, _ = listener.accept()
            with client:
                if not os.fork():
                    listener.close()
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    _attend(client)
    sys.exit()


def _attend(client: socket.socket) -> NoReturn:
    """Fork once more, for the command; kill it when whoever asked is gone, or tell its status."""
    import select
    import signal

    _, files, _, _ = socket.recv_fds(client, 1, len(_FILES))
    order = b"".join(iter(lambda: client.recv(1 << 16), b""))
    command = os.fork()
    if not command:
        client.close()
        _become(files, *json.loads(order))
    ended = os.pidfd_open(command)
    hung_up = select.poll()
    hung_up.register(client, select.POLLHUP)
    hung_up.register(ended, select.POLLIN)
    if ended not in dict(hung_up.poll()):
        os.kill(command, signal.SIGKILL)
    _, status = os.waitpid(command, 0)
    client.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(
    files: list[int], arguments: list[str], folder: str, environment: dict[str, str]
) -> NoReturn:
    """Run a command in this process."""
    from duecourse.cli import start

    for number, file in zip(_FILES, files, strict=True):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["duecourse", *arguments]
    start()


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        _serve(sys.argv[2])
    sys.exit(_stand_for(sys.argv[1], sys.argv[2:]))
