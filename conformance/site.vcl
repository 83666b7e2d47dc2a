# Varnish before a Zope with Page Cache Managers. The tests put in the port.
vcl 4.1;

backend zope {
    .host = "127.0.0.1";
    .port = "BACKEND_PORT";
}

# Who logs in by Authorization or a cookie is passed by Varnish's own rules,
# which follow where a subroutine does not return.

sub vcl_backend_response {
    # An old page is never sent, but kept to ask by its tag.
    set beresp.grace = 0s;
    set beresp.keep = 1h;
    # With max-age=0 Varnish would remember not to keep the page, and of a
    # page with no time to live at all it would not use the tag.
    if (beresp.ttl <= 0s && beresp.status == 200 && beresp.http.ETag
            && beresp.http.Cache-Control !~ "(?i)private|no-cache|no-store"
            && !beresp.http.Set-Cookie && beresp.http.Vary != "*") {
        set beresp.ttl = 0.001ms;
        return (deliver);
    }
}

sub vcl_deliver {
    if (obj.hits > 0) {
        set resp.http.X-Varnish-Cache = "hit";
    } else {
        set resp.http.X-Varnish-Cache = "miss";
    }
}
