from tests.claims import PATH, text


def test_the_list_of_claims_is_the_suite_s():
    assert PATH.read_text() == text(), "make claims writes it anew"
