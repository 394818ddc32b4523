-- Run once by the image of docker-compose.yml, when it makes a new database: the daemon's user, which owns its tables and
-- is no superuser. The superuser keeps no password: `docker compose exec database psql -U postgres` needs none.

-- The password comes by a variable of the environment, and so stands in no list of processes.
\getenv password POSTGRES_PASSWORD
create role racing_coach login password :'password';
alter database racing_coach owner to racing_coach;
alter role postgres password null;
