"""Texts that would be more than text, wherever a stranger's words are shown."""

MARKUP = (
    "<script>document.title='hit'</script>",
    "<img src=x onerror=\"document.title='hit'\">",
    '" onfocus="document.title=\'hit\'" autofocus x="',
    "' onmouseover='alert(1)",
    "</title></style></script><svg onload=alert(1)>",
    "</td></tr></table><iframe src=https://evil.example></iframe>",
    "<!-- hidden",
    "]]><base href=https://evil.example/>",
    "javascript:alert(1)",
    "&lt;b&gt; &amp; &#x3c;script&#x3e;",
    "{{ 7 * 7 }} {% include 'page.js' %} {# note #}",
    "line\u2028separated\u2029twice\x85",
    "\u202egnp.exe \u2066isolated\u2069 \u200bzero \ufeffmark",
    "\x00\x1b[2J\x07\x9b31m",
    "\ud800 alone",
    "`x` ${alert(1)} \\u003cscript\\u003e",
)
"""For HTML: each would add an element, an attribute or a script, or hide what is beside it."""
