"""Speed against what one would use instead: same machine, same run, one core for the proxy, one for load and origin."""
