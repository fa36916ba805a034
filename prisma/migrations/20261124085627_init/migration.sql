-- CreateEnum
CREATE TYPE "experiment_status" AS ENUM ('queued', 'training', 'allocating', 'succeeded', 'failed', 'cancelled');

-- CreateEnum
CREATE TYPE "segment_status" AS ENUM ('pending', 'trained', 'allocated');

-- CreateTable
CREATE TABLE "experiments" (
    "id" UUID NOT NULL,
    "name" TEXT,
    "tags" JSONB NOT NULL DEFAULT '{}',
    "spec" JSON NOT NULL,
    "status" "experiment_status" NOT NULL DEFAULT 'queued',
    "trained" INTEGER NOT NULL DEFAULT 0,
    "cancelling" BOOLEAN NOT NULL DEFAULT false,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "error" JSONB,
    "summary" JSONB,
    "engine" JSONB,
    "worker" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "allocating_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "idempotency_key" TEXT,
    "idempotency_hash" TEXT,

    CONSTRAINT "experiments_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "variables" (
    "experiment_id" UUID NOT NULL,
    "index" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "layer" TEXT NOT NULL,
    "shape" INTEGER[],
    "offset" INTEGER NOT NULL,
    "size" INTEGER NOT NULL,

    CONSTRAINT "variables_pkey" PRIMARY KEY ("experiment_id","index")
);

-- CreateTable
CREATE TABLE "segments" (
    "experiment_id" UUID NOT NULL,
    "index" INTEGER NOT NULL,
    "from" INTEGER NOT NULL,
    "to" INTEGER NOT NULL,
    "status" "segment_status" NOT NULL DEFAULT 'pending',
    "done" INTEGER NOT NULL DEFAULT 0,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "worker" TEXT,
    "engine" JSONB,
    "seconds" DOUBLE PRECISION,
    "gradients" INTEGER,

    CONSTRAINT "segments_pkey" PRIMARY KEY ("experiment_id","index")
);

-- CreateTable
CREATE TABLE "iterations" (
    "experiment_id" UUID NOT NULL,
    "split" TEXT NOT NULL,
    "iteration" INTEGER NOT NULL,
    "loss_before" DOUBLE PRECISION NOT NULL,
    "loss_after" DOUBLE PRECISION NOT NULL,
    "lca" DOUBLE PRECISION NOT NULL,
    "residual" DOUBLE PRECISION NOT NULL,
    "splits" INTEGER NOT NULL,
    "helped" INTEGER NOT NULL,
    "hurt" INTEGER NOT NULL,

    CONSTRAINT "iterations_pkey" PRIMARY KEY ("experiment_id","split","iteration")
);

-- CreateTable
CREATE TABLE "allocations" (
    "experiment_id" UUID NOT NULL,
    "split" TEXT NOT NULL,
    "iteration" INTEGER NOT NULL,
    "variable" INTEGER NOT NULL,
    "lca" DOUBLE PRECISION NOT NULL,
    "helping" DOUBLE PRECISION NOT NULL,
    "hurting" DOUBLE PRECISION NOT NULL,
    "squared" DOUBLE PRECISION NOT NULL,
    "moved" DOUBLE PRECISION NOT NULL,
    "helped" INTEGER NOT NULL,
    "hurt" INTEGER NOT NULL,

    CONSTRAINT "allocations_pkey" PRIMARY KEY ("experiment_id","split","iteration","variable")
);

-- CreateTable
CREATE TABLE "artifacts" (
    "experiment_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "bytes" BIGINT NOT NULL,
    "sha256" TEXT NOT NULL,
    "content_type" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "artifacts_pkey" PRIMARY KEY ("experiment_id","name")
);

-- CreateIndex
CREATE UNIQUE INDEX "experiments_idempotency_key_key" ON "experiments"("idempotency_key");

-- CreateIndex
CREATE INDEX "experiments_status_created_at_idx" ON "experiments"("status", "created_at");

-- CreateIndex
CREATE INDEX "experiments_tags_idx" ON "experiments" USING GIN ("tags");

-- AddForeignKey
ALTER TABLE "variables" ADD CONSTRAINT "variables_experiment_id_fkey" FOREIGN KEY ("experiment_id") REFERENCES "experiments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "segments" ADD CONSTRAINT "segments_experiment_id_fkey" FOREIGN KEY ("experiment_id") REFERENCES "experiments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "iterations" ADD CONSTRAINT "iterations_experiment_id_fkey" FOREIGN KEY ("experiment_id") REFERENCES "experiments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "allocations" ADD CONSTRAINT "allocations_experiment_id_fkey" FOREIGN KEY ("experiment_id") REFERENCES "experiments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "artifacts" ADD CONSTRAINT "artifacts_experiment_id_fkey" FOREIGN KEY ("experiment_id") REFERENCES "experiments"("id") ON DELETE CASCADE ON UPDATE CASCADE;
