-- Run once by the image of docker-compose.yml, when it makes a new database: the daemon's user, which owns its tables and
-- is no superuser, and the pages' user, which reads them and nothing else. The superuser keeps no password: `docker compose exec database psql -U postgres` needs none.

-- The passwords come by variables of the environment, and so stand in no list of processes.
\getenv password POSTGRES_PASSWORD
create role racing_coach login password :'password';
\getenv web_password WEB_DATABASE_PASSWORD
create role racing_coach_web login password :'web_password';
grant pg_read_all_data to racing_coach_web;
alter database racing_coach owner to racing_coach;
alter role postgres password null;
