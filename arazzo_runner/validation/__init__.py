"""Rules over a checked Program (`rules/`, one module each) and the pages of all codes (`pages/<code>.md`).

`inspection.py` is what rules see; start reading there. What several rules need is worked out once:

- flow.py: the graph of a workflow's steps, what is reached and what every way passes;
- conditions.py: which values can make a list of criteria hold;
- shapes.py: what a schema says of values before there are any (types, members);
- forecast.py: what expressions will give, by those schemas; responses.py: what a step may be answered;
- partial.py, payloads.py: values of which parts are computed, against schemas;
- broken.py: where the loader found errors, so that nothing is judged twice.

May import program and everything below it; never engine, worlds or api.
"""
