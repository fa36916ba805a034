-- AlterTable
ALTER TABLE "experiments" ADD COLUMN     "sweep_id" UUID,
ADD COLUMN     "sweep_index" INTEGER,
ADD COLUMN     "variant" INTEGER;

-- CreateTable
CREATE TABLE "sweeps" (
    "id" UUID NOT NULL,
    "name" TEXT,
    "request" JSON NOT NULL,
    "variants" TEXT[],
    "baseline" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "idempotency_key" TEXT,
    "idempotency_hash" TEXT,

    CONSTRAINT "sweeps_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "variable_totals" (
    "experiment_id" UUID NOT NULL,
    "split" TEXT NOT NULL,
    "variable" INTEGER NOT NULL,
    "iterations" INTEGER NOT NULL,
    "lca" DOUBLE PRECISION NOT NULL,
    "helping" DOUBLE PRECISION NOT NULL,
    "hurting" DOUBLE PRECISION NOT NULL,
    "squared" DOUBLE PRECISION NOT NULL,
    "helped" DOUBLE PRECISION NOT NULL,
    "hurt" DOUBLE PRECISION NOT NULL,

    CONSTRAINT "variable_totals_pkey" PRIMARY KEY ("experiment_id","split","variable")
);

-- CreateTable
CREATE TABLE "neuron_segments" (
    "experiment_id" UUID NOT NULL,
    "split" TEXT NOT NULL,
    "segment" INTEGER NOT NULL,
    "lca" DOUBLE PRECISION[],
    "helping" DOUBLE PRECISION[],
    "hurting" DOUBLE PRECISION[],

    CONSTRAINT "neuron_segments_pkey" PRIMARY KEY ("experiment_id","split","segment")
);

-- CreateIndex
CREATE UNIQUE INDEX "sweeps_idempotency_key_key" ON "sweeps"("idempotency_key");

-- CreateIndex
CREATE INDEX "experiments_sweep_id_sweep_index_idx" ON "experiments"("sweep_id", "sweep_index");

-- AddForeignKey
ALTER TABLE "experiments" ADD CONSTRAINT "experiments_sweep_id_fkey" FOREIGN KEY ("sweep_id") REFERENCES "sweeps"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "variable_totals" ADD CONSTRAINT "variable_totals_experiment_id_fkey" FOREIGN KEY ("experiment_id") REFERENCES "experiments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "neuron_segments" ADD CONSTRAINT "neuron_segments_experiment_id_fkey" FOREIGN KEY ("experiment_id") REFERENCES "experiments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Totals of what has finished before there were any.
INSERT INTO "variable_totals"
SELECT a.experiment_id, a.split, a.variable, count(*)::int,
       sum(a.lca ORDER BY a.iteration), sum(a.helping ORDER BY a.iteration), sum(a.hurting ORDER BY a.iteration),
       sum(a.squared ORDER BY a.iteration), sum(a.helped)::float8, sum(a.hurt)::float8
  FROM "allocations" a JOIN "experiments" e ON e.id = a.experiment_id
 WHERE e.status = 'succeeded'
 GROUP BY 1, 2, 3;
