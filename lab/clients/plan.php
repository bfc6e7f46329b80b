<?php
// Runs a plan with PHP: `php plan.php PLAN curl|stream`.
$plan = json_decode(file_get_contents($argv[1]), true);
$curl = $argv[2] === 'curl' && function_exists('curl_init') ? curl_init() : null;
foreach ($plan['steps'] as $step) {
    $body = $step['form'] ? http_build_query($step['form']) : ($step['json'] ? json_encode($step['json']) : null);
    $headers = $step['form'] ? ['Content-Type: application/x-www-form-urlencoded'] : ($step['json'] ? ['Content-Type: application/json'] : []);
    foreach ($step['headers'] as $name => $value) $headers[] = "$name: $value";
    if ($curl) {
        curl_setopt_array($curl, [CURLOPT_URL => $plan['base'] . $step['path'], CURLOPT_RETURNTRANSFER => true, CURLOPT_SSL_VERIFYPEER => false,
            CURLOPT_SSL_VERIFYHOST => 0, CURLOPT_CUSTOMREQUEST => $step['method'], CURLOPT_POSTFIELDS => $body, CURLOPT_HTTPHEADER => $headers,
            CURLOPT_COOKIEFILE => '', CURLOPT_FRESH_CONNECT => $plan['fresh']]);
        curl_exec($curl);
    } else {
        $context = stream_context_create(['http' => ['method' => $step['method'], 'header' => $headers, 'content' => $body ?? '', 'ignore_errors' => true],
            'ssl' => ['verify_peer' => false, 'verify_peer_name' => false]]);
        @file_get_contents($plan['base'] . $step['path'], false, $context);
    }
}
