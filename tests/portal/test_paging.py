from portal.paging import page_from


def test_a_page_says_after_which_card_the_next_one_begins():
    assert page_from(iter("abcd"), 3).cards == ["a", "b", "c"]
    assert page_from(iter("abcd"), 3).last == "c"


def test_the_last_page_has_none_after_it_even_when_it_is_full():
    assert (page_from("abc", 3).cards, page_from("abc", 3).last) == (["a", "b", "c"], None)
    assert (page_from("", 3).cards, page_from("", 3).last) == ([], None)
