-- What GET /v1/experiments is sorted by most (src/api/routes/experiments/fields.ts), from either end. Of what has no such
-- figure nothing is in the index. Prisma knows of no index on an expression, and leaves these alone.
CREATE INDEX "experiments_by_name" ON "experiments" ("name", "id") WHERE "name" IS NOT NULL;
CREATE INDEX "experiments_by_finished_at" ON "experiments" ("finished_at", "id") WHERE "finished_at" IS NOT NULL;
CREATE INDEX "experiments_by_train_loss" ON "experiments" (((summary #>> '{splits,train,loss,final}')::float8), "id")
  WHERE (summary #>> '{splits,train,loss,final}')::float8 IS NOT NULL;
CREATE INDEX "experiments_by_validation_loss" ON "experiments" (((summary #>> '{splits,validation,loss,final}')::float8), "id")
  WHERE (summary #>> '{splits,validation,loss,final}')::float8 IS NOT NULL;
CREATE INDEX "experiments_by_validation_accuracy" ON "experiments" (((summary #>> '{splits,validation,accuracy,final}')::float8), "id")
  WHERE (summary #>> '{splits,validation,accuracy,final}')::float8 IS NOT NULL;
CREATE INDEX "experiments_by_lca" ON "experiments" (((summary #>> '{splits,train,lca}')::float8), "id")
  WHERE (summary #>> '{splits,train,lca}')::float8 IS NOT NULL;
