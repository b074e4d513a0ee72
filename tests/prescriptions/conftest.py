"""What several stories of prescriptions ask for, beside the cast."""

from datetime import date

import pytest

from prescriptions import bdpm
from prescriptions.medicine import cataloguing
from tests.prescriptions import bdpm_files as source


@pytest.fixture
def catalogue(db, tmp_path):
    """The invented medicines of bdpm_files as the edition in use; called with other tables, those are."""
    counter = iter(range(100))

    def take(tables=None, published_on=date(2022, 6, 15)):
        found = bdpm.read_folder(source.write(tmp_path / f"catalogue-{next(counter)}", tables))
        return cataloguing.load(found, published_on=published_on, by="system:test")

    take()
    return take
