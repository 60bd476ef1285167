# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Signatures by the key that Debian publishes for tests of Secure Boot."""

import pathlib
import subprocess

KEY = "/usr/share/ovmf/PkKek-1-snakeoil.key"
CERTIFICATE = "/usr/share/ovmf/PkKek-1-snakeoil.pem"
PASSPHRASE = "snakeoil"


def signed(folder, files):
    """The same files for the EFI system partition, the programs among them signed."""
    key = folder / "snakeoil.key"
    subprocess.run(["openssl", "rsa", "-in", KEY, "-passin", f"pass:{PASSPHRASE}", "-out", key],
                   check=True, capture_output=True)

    def sign(name, source):
        if not name.upper().endswith(".EFI"):
            return source
        target = folder / pathlib.PurePath(name).name
        subprocess.run(["sbsign", "--key", key, "--cert", CERTIFICATE, "--output", target, source],
                       check=True, capture_output=True)
        return target

    return {name: sign(name, source) for name, source in files.items()}
