<?php
define('DB_HOST', '127.0.0.1:3306');
define('DB_USER', 'allowance');
define('DB_PASSWORD', trim(file_get_contents(__DIR__ . '/db.pass')));
