"""Commands that root runs act as the user whose installation it is."""

import os
import pwd
from pathlib import Path

from idp.cli.founded import remember_operator


def become_owner(folder: Path) -> None:
    """As root become the folder's owner, for good.

    What a command writes (locks, keys, the federation's index) is then the service's to open; else the first lock that
    root made would keep the service out. Nothing changes for anybody else, nor where the folder is root's own or not
    there yet.
    """
    if os.geteuid() != 0:
        return
    try:
        found = folder.stat()
    except OSError:
        return
    if found.st_uid == 0:
        return
    remember_operator()
    try:
        os.initgroups(pwd.getpwuid(found.st_uid).pw_name, found.st_gid)
    except KeyError:
        os.setgroups([found.st_gid])
    os.setgid(found.st_gid)
    os.setuid(found.st_uid)
