"""How stacks are packed into words."""

from ringrift.rules import state as st


def test_words_of_stacks():
    word = st.stack_word([1, 0, 0])
    assert st.stack_rings(word) == [1, 0, 0]
    assert st.stack_rings(st.stack_word([3] * st.MAX_STACK)) == [3] * st.MAX_STACK
