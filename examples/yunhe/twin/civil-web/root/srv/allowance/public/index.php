<?php
// The allowances of the old: each grant is a row, found by the reference that the clerk has given it.
//
// POST /grants {"reference": TEXT}      201, or 409 where it was granted
// GET  /grants?prefix=TEXT              200 {"references": [all that begin so]}
// GET  /grants/REFERENCE                200, or 404
// GET  /alive                           200
require __DIR__ . '/../config.php';

const ER_DUP_ENTRY = 1062;

function answer(int $status, array $value): void
{
    http_response_code($status);
    header('Content-Type: application/json');
    echo json_encode($value);
    exit;
}

function database(): mysqli
{
    mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
    [$host, $port] = explode(':', DB_HOST);
    $database = new mysqli($host, DB_USER, DB_PASSWORD, 'allowance', (int) $port);
    $database->set_charset('utf8mb4');
    return $database;
}

function asked(string $statement, string $value): array
{
    $database = database();
    $asking = $database->prepare($statement);
    $asking->bind_param('s', $value);
    $asking->execute();
    $found = $asking->get_result();
    return $found ? array_column($found->fetch_all(), 0) : [];
}

$path = rawurldecode(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH));
try {
    if ($path === '/alive') {
        answer(200, ['works' => true]);
    } elseif ($_SERVER['REQUEST_METHOD'] === 'POST' && $path === '/grants') {
        $reference = (string) (json_decode(file_get_contents('php://input'), true)['reference'] ?? '');
        asked("INSERT INTO grants (reference, person, amount) VALUES (?, 1, 100)", $reference);
        answer(201, ['reference' => $reference]);
    } elseif ($path === '/grants' && isset($_GET['prefix'])) {
        $pattern = addcslashes($_GET['prefix'], '%_\\') . '%';
        answer(200, ['references' => asked('SELECT reference FROM grants WHERE reference LIKE ?', $pattern)]);
    }
    $found = asked('SELECT reference FROM grants WHERE reference = ?', substr($path, strlen('/grants/')));
    answer($found ? 200 : 404, ['references' => $found]);
} catch (mysqli_sql_exception $error) {
    error_log($error->getMessage());
    answer($error->getCode() === ER_DUP_ENTRY ? 409 : 503, ['error' => 'not granted']);
}
