-- What docker-compose.yml has a new database do: the owner, who is no superuser, and its password.
\getenv password DATABASE_OWNER_PASSWORD
\i /srv/database_owner.sql
ALTER ROLE takedown_owner PASSWORD :'password';
