"""A Java and a PHP application as departments have them: seeds for a host of Debian 11, and what the inventory says."""

from typing import Any

DIRECTORY = "10.11.0.98"
ROWS = [
    {"found": DIRECTORY, "becomes": "directory.tiny.example", "of": "identity/directory", "kind": "address",
     "address": "10.11.0.30", "port": 389, "before": ""},
]  # fmt: skip

TOMCAT: dict[str, Any] = {
    "root": "/opt/licences", "service": "licences", "port": 8090, "configuration": ["conf/server.xml"],
    "packages": ["default-jre-headless"],
    "replace": [{"found": "/usr/lib/jvm/java-11-openjdk-amd64", "becomes": "/usr/lib/jvm/java-17-openjdk-amd64"}],
}  # fmt: skip
# The whole of Tomcat lies in the application's folder, as its builder left it there in 2021; Java is Debian's.
TOMCAT_SEED = f"""
useradd --uid 3502 --system --no-create-home --shell /usr/sbin/nologin licences
mkdir -p /opt/licences/webapps/ROOT /opt/licences/conf /opt/licences/logs /opt/licences/temp /opt/licences/work
cp -rL /usr/share/tomcat9/bin /usr/share/tomcat9/lib /opt/licences/
echo '<h1>licences</h1>' > /opt/licences/webapps/ROOT/index.html
cp /usr/share/tomcat9/etc/web.xml /opt/licences/conf/web.xml
cat > /opt/licences/conf/server.xml <<'XML'
<Server port="-1">
  <Service name="Catalina">
    <Connector port="8090" protocol="HTTP/1.1"/>
    <Engine name="Catalina" defaultHost="localhost">
      <Realm className="org.apache.catalina.realm.JNDIRealm" connectionURL="ldap://{DIRECTORY}:389"
             connectionName="cn=reader" connectionPassword="Ge-heim-79" userPattern="uid={{0}},ou=people"/>
      <Host name="localhost" appBase="webapps"/>
    </Engine>
  </Service>
</Server>
XML
chown -R licences: /opt/licences
cat > /etc/systemd/system/licences.service <<'UNIT'
[Service]
User=licences
Environment=JAVA_HOME=/usr/lib/jvm/java-11-openjdk-amd64 CATALINA_HOME=/opt/licences
Environment="JAVA_OPTS=-Xmx64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
ExecStart=/opt/licences/bin/catalina.sh run
SuccessExitStatus=143
[Install]
WantedBy=multi-user.target
UNIT
systemctl daemon-reload
systemctl enable -q --now licences
"""

PHP: dict[str, Any] = {
    "root": "/srv/forms", "service": "forms", "helpers": ["forms-php"], "port": 8091,
    "configuration": ["config.php"], "packages": ["php-fpm", "nginx-light"],
    "replace": [{"found": "/usr/sbin/php-fpm7.4", "becomes": "/usr/sbin/php-fpm8.2"}],
}  # fmt: skip
PHP_SEED = f"""
useradd --uid 3503 --system --no-create-home --shell /usr/sbin/nologin forms
mkdir -p /srv/forms/public /srv/forms/filed /srv/forms/tmp
echo '<?php return ["host" => "{DIRECTORY}", "password" => "Ge-heim-80"];' > /srv/forms/config.php
cat > /srv/forms/public/index.php <<'PHP'
<?php
$host = (require '/srv/forms/config.php')['host'];
$line = @fsockopen($host, 389, $number, $text, 1);
file_put_contents('/srv/forms/filed/' . bin2hex(random_bytes(6)), $host);
echo $host, ' by PHP ', PHP_MAJOR_VERSION, "\\n";
PHP
cat > /srv/forms/fpm.conf <<'INI'
[global]
error_log = /srv/forms/tmp/fpm.log
[forms]
listen = /run/forms/fpm.sock
pm = static
pm.max_children = 1
INI
cat > /srv/forms/nginx.conf <<'NGINX'
pid /srv/forms/tmp/nginx.pid;
error_log /srv/forms/tmp/nginx.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path /srv/forms/tmp/body; proxy_temp_path /srv/forms/tmp/proxy;
  fastcgi_temp_path /srv/forms/tmp/fcgi; uwsgi_temp_path /srv/forms/tmp/uwsgi; scgi_temp_path /srv/forms/tmp/scgi;
  server {{
    listen 8091;
    location / {{
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME /srv/forms/public/index.php;
      fastcgi_pass unix:/run/forms/fpm.sock;
    }}
  }}
}}
NGINX
chown -R forms: /srv/forms
printf '%s\\n' '[Service]' User=forms RuntimeDirectory=forms 'ExecStart=/usr/sbin/php-fpm7.4 --nodaemonize \\
  --fpm-config /srv/forms/fpm.conf' '[Install]' WantedBy=multi-user.target > /etc/systemd/system/forms-php.service
printf '%s\\n' '[Unit]' After=forms-php.service '[Service]' User=forms \\
  'ExecStart=/usr/sbin/nginx -c /srv/forms/nginx.conf -g "daemon off;"' '[Install]' WantedBy=multi-user.target \\
  > /etc/systemd/system/forms.service
systemctl daemon-reload
systemctl enable -q --now forms-php forms
"""
