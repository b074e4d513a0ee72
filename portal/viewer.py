"""A PDF that the browser shows by itself."""

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update

# Around a view. The browser's own viewer is a plug-in to itself, with a style of its own.
shown_by_the_browser = csp_update({"object-src": [SELF], "style-src": [UNSAFE_INLINE]})
