-- What starts from an experiment, by its id: shown with it, and asked for before it is deleted or extended. Prisma knows of no
-- index on an expression, and leaves it alone.
CREATE INDEX "experiments_by_initial" ON "experiments" (("spec" #>> '{training,initial,experiment}'), "id")
  WHERE "spec" #>> '{training,initial,experiment}' IS NOT NULL;
