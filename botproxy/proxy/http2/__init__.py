"""HTTP/2 towards clients: a connection of many streams, each of which is answered as a connection of HTTP/1.1 is."""
