"""Let REDbot check several requests; print its reports as JSON.

REDbot's command line has no options for a method or headers, and its event
loop runs once in a process, so this is a program of its own.  It reads a list
of ``[URL, method, [[name, value], ...]]`` from standard input, and writes a
list of the results of :func:`report`.
"""
import json
import sys
from configparser import ConfigParser

import thor
from redbot.resource import HttpResource


MAX_SECS = 100


def main(requests):
    settings = ConfigParser()
    settings.read_dict({'redbot': {'enable_local_access': 'True'}})
    resources = [HttpResource(settings['redbot']) for _ in requests]
    waiting = [*zip(resources, requests, strict=True)]

    def check_next():
        if not waiting:
            thor.stop()
            return
        resource, (url, method, headers) = waiting.pop(0)
        resource.set_request(url, method, [tuple(pair) for pair in headers])
        resource.on('check_done', check_next)
        resource.check()

    thor.schedule(0, check_next)
    thor.schedule(MAX_SECS, thor.stop)
    thor.run()
    print(json.dumps([report(resource) for resource in resources]))


def report(resource):
    """Return facts of the first answer, and the notes on all answers."""
    parts = [resource, *resource.subreqs.values()]
    headers = {
        name.lower(): value.strip()
        for name, value in resource.response.headers.text}
    return {
        'is_done': resource.check_done,
        'status': resource.response.status_code,
        'outcome': headers.get('x-pagecache'),
        'errors': [
            f'{part.check_id}: {part.fetch_error.desc}' for part in parts
            if part.fetch_error],
        'notes': [
            [each.level.name, type(each).__name__, str(each.summary)]
            for part in parts for note in part.response.notes
            for each in (note, *note.subnotes)],
    }


if __name__ == '__main__':
    main(json.load(sys.stdin))
