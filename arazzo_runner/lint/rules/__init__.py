"""The rules of `arazzo validate`, small ones together by theme.

- `rule`: what a rule is, its trigger, and running rules
- `catalogue`: all rules, and every code that checking a document can give
- `pages/`: the page of every Diagnostic code, which `arazzo explain` prints
- every other module: the rules of one theme, each a function under the decorator `rule`
"""
