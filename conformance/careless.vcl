# What nobody should do: look into the cache for those who are logged in too,
# and let them see each other's. Only the site's headers are left to keep them
# apart; the tests show that they do. The tests put in the port.
vcl 4.1;

backend zope {
    .host = "127.0.0.1";
    .port = "BACKEND_PORT";
}

sub vcl_recv {
    return (hash);
}

sub vcl_backend_response {
    set beresp.grace = 0s;
    set beresp.keep = 1h;
    if (beresp.ttl <= 0s && beresp.status == 200 && beresp.http.ETag
            && beresp.http.Cache-Control !~ "(?i)private|no-cache|no-store") {
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
