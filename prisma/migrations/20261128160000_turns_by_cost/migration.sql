-- DropIndex
DROP INDEX "experiments_lane_turn_end_idx";

-- AlterTable
ALTER TABLE "experiments" ADD COLUMN     "allocation_turn" DOUBLE PRECISION NOT NULL DEFAULT 0,
ADD COLUMN     "segment_cost" DOUBLE PRECISION NOT NULL DEFAULT 1,
ADD COLUMN     "segment_count" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "training_cost" DOUBLE PRECISION NOT NULL DEFAULT 0,
ALTER COLUMN "turn" SET DATA TYPE DOUBLE PRECISION,
ALTER COLUMN "turn_end" SET DATA TYPE DOUBLE PRECISION;

-- CreateIndex
CREATE INDEX "experiments_tenant_status_idx" ON "experiments"("tenant", "status");

-- CreateIndex
CREATE INDEX "experiments_status_turn_idx" ON "experiments"("status", "turn");

-- CreateIndex
CREATE INDEX "experiments_lane_status_turn_end_idx" ON "experiments"("lane", "status", "turn_end");

-- What was posted before took a turn a segment, whatever it cost, and keeps its place so.
UPDATE "experiments"
   SET "segment_count" = coalesce(ceil(("spec" #>> '{training,iterations}')::float8
                                       / ("spec" #>> '{allocation,segmentIterations}')::float8), 1),
       "allocation_turn" = "turn";

-- The virtual time at which what is posted to a lane now is due (src/queue/turns.ts): behind what the lane has waiting, and
-- not before what is being worked on, or is the first to be.
CREATE FUNCTION "next_turn"(wanted text) RETURNS float8 LANGUAGE sql STABLE AS $$
  SELECT greatest(
    (SELECT max(turn_end) FROM experiments
      WHERE lane = wanted AND status IN ('queued', 'training', 'allocating')),
    coalesce(
      (SELECT max(CASE status WHEN 'training' THEN turn ELSE allocation_turn + recorded * segment_cost END)
         FROM experiments WHERE status IN ('training', 'allocating')),
      (SELECT min(turn) FROM experiments WHERE status = 'queued')),
    0)
$$;

-- An experiment takes as much of the virtual time as it costs.
CREATE OR REPLACE FUNCTION "take_turn"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.lane := NEW.tenant || '/' || coalesce(NEW.sweep_id::text, '');
  NEW.turn := next_turn(NEW.lane);
  NEW.allocation_turn := NEW.turn + NEW.training_cost;
  NEW.turn_end := NEW.allocation_turn + NEW.segment_count * NEW.segment_cost;
  RETURN NEW;
END $$;
