"""What `manage.py demo` builds: fictitious people, pharmacies and prescriptions, and a story of a year that ends today.

Built twice, it changes nothing. Everything goes through the same actions as the site; only the clock is told what time
it was (`clock`), so that every trace has the time of what it tells.
"""
