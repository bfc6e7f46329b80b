<?php
// PHP's ways to fetch: `php client.php BASE`.
$base = $argv[1];
$unchecked = ['verify_peer' => false, 'verify_peer_name' => false];
file_get_contents("$base/page", false, stream_context_create(['ssl' => $unchecked]));
file_get_contents("$base/form", false, stream_context_create(['ssl' => $unchecked, 'http' => [
    'method' => 'POST', 'header' => 'Content-Type: application/x-www-form-urlencoded', 'content' => 'a=1']]));
file_get_contents("$base/named", false, stream_context_create(['ssl' => $unchecked, 'http' => ['user_agent' => 'PHP']]));
foreach (['/curl', '/curl-form'] as $path) {
    $curl = curl_init($base . $path);
    curl_setopt_array($curl, [CURLOPT_RETURNTRANSFER => true, CURLOPT_SSL_VERIFYPEER => false, CURLOPT_SSL_VERIFYHOST => 0]);
    if ($path === '/curl-form') {
        curl_setopt($curl, CURLOPT_POSTFIELDS, ['a' => '1']);
    }
    curl_exec($curl);
}
