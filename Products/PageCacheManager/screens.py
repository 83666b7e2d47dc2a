"""ZMI screens (being written)."""
def properties(manager, request, message='', errors=None, title=None): return 'x'
def statistics(manager, request, message='', kind='success'): return 'x'
def add_form(container, request, id='', title='', error=None): return 'x'
def typed_settings(request): return {}
