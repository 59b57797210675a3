#!/bin/bash
# The civil affairs office's web server as surveyed: MariaDB 10.5 with the database `allowance`, and the PHP application
# that alone uses it, by an account that may come from this host and from nowhere else.
set -euo pipefail
useradd --uid 3421 --system --no-create-home --shell /usr/sbin/nologin allowance
mkdir -p /srv/allowance/tmp
chown -R allowance: /srv/allowance
chmod 0600 /srv/allowance/db.pass
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 9000 -subj /CN=10.12.0.12 \
    -addext subjectAltName=IP:10.12.0.12 -keyout /etc/mysql/allowance.key -out /etc/mysql/allowance.crt 2>/dev/null
chown mysql: /etc/mysql/allowance.key
systemctl enable --now mariadb.service 2>/dev/null
password=$(cat /srv/allowance/db.pass)
mysql <<SQL
CREATE USER allowance@localhost IDENTIFIED BY '$password';
CREATE DATABASE allowance CHARACTER SET gbk;
GRANT SELECT, INSERT, UPDATE ON allowance.* TO allowance@localhost;
SQL
mysql --default-character-set=utf8mb4 allowance <<'SQL'
CREATE TABLE people (
    id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20) NOT NULL, born DATE NOT NULL DEFAULT '0000-00-00',
    town ENUM('柳溪镇', '东桥镇', '北塘街道') NOT NULL
) ENGINE = InnoDB;
CREATE TABLE rates (year SMALLINT, age TINYINT UNSIGNED, amount DECIMAL(8, 2), PRIMARY KEY (year, age)) ENGINE = MyISAM;
CREATE TABLE grants (
    id BIGINT AUTO_INCREMENT PRIMARY KEY, reference VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL UNIQUE,
    person INT UNSIGNED NOT NULL, amount DECIMAL(8, 2) NOT NULL, granted TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (person) REFERENCES people (id)
) ENGINE = InnoDB;
CREATE TABLE account (person INT UNSIGNED PRIMARY KEY, number VARCHAR(24)) WITH SYSTEM VERSIONING;
CREATE TABLE totals (town VARCHAR(20) PRIMARY KEY, granted DECIMAL(12, 2) NOT NULL DEFAULT 0);
CREATE TRIGGER grants_total AFTER INSERT ON grants FOR EACH ROW
    UPDATE totals SET granted = granted + NEW.amount WHERE town = (SELECT town FROM people WHERE id = NEW.person);
CREATE VIEW eldest AS SELECT name, town, born FROM people WHERE born > '0000-00-00' ORDER BY born LIMIT 100;
CREATE EVENT monthly ON SCHEDULE EVERY 1 MONTH STARTS '2010-07-01 03:00:00' DO DELETE FROM totals WHERE granted = 0;
INSERT INTO people (name, born, town)
    SELECT CONCAT(ELT(1 + seq % 8, '赵', '钱', '孙', '李', '周', '吴', '郑', '王'), '老人', seq),
           IF(seq % 40, '1910-01-01' + INTERVAL seq * 3 DAY, '0000-00-00'), 1 + seq % 3
    FROM seq_1_to_3000;
INSERT INTO rates SELECT years.seq, ages.seq, (ages.seq - 70) * 10 FROM seq_2010_to_2018 years, seq_80_to_100 ages;
INSERT INTO totals (town) VALUES ('柳溪镇'), ('东桥镇'), ('北塘街道');
INSERT INTO grants (reference, person, amount) SELECT CONCAT('2010-', seq), seq, 100 FROM seq_1_to_3000;
INSERT INTO account SELECT seq, LPAD(seq, 19, '6') FROM seq_1_to_300;
UPDATE account SET number = CONCAT(number, '0') WHERE person < 30;
SQL
systemctl daemon-reload
systemctl enable --now allowance-php.service allowance.service 2>/dev/null
