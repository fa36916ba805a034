-- AlterTable
ALTER TABLE "experiments" ADD COLUMN     "lane" TEXT NOT NULL DEFAULT '',
ADD COLUMN     "turn" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "turn_end" INTEGER NOT NULL DEFAULT 0;

-- CreateTable
CREATE TABLE "workers" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "host" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "engine" JSONB NOT NULL,
    "memory_bytes" BIGINT NOT NULL,
    "doing" JSONB,
    "examples_per_second" DOUBLE PRECISION,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "workers_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "experiments_lane_turn_end_idx" ON "experiments"("lane", "turn_end");

-- Gives every new experiment its lane and its turn (src/queue/turns.ts): behind what its lane has waiting, and not before
-- what is being worked on now. to_jsonb, so that columns which tell submitters and sweeps apart count wherever they exist.
CREATE FUNCTION "take_turn"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  asked jsonb := to_jsonb(NEW) - 'spec';
  iterations int := (NEW.spec #>> '{training,iterations}')::int;
  segment int := (NEW.spec #>> '{allocation,segmentIterations}')::int;
BEGIN
  NEW.lane := coalesce(asked ->> 'tenant', '') || '/' || coalesce(asked ->> 'sweep_id', NEW.tags ->> 'sweep', '');
  SELECT 1 + greatest(
    (SELECT max(turn_end) FROM experiments
      WHERE lane = NEW.lane AND status IN ('queued', 'training', 'allocating')),
    (SELECT max(e.turn + (SELECT count(*) FROM segments s WHERE s.experiment_id = e.id AND s.status = 'allocated'))
       FROM experiments e WHERE e.status IN ('training', 'allocating')),
    0)
  INTO NEW.turn;
  NEW.turn_end := NEW.turn + coalesce(ceil(iterations::float8 / segment), 1);
  RETURN NEW;
END $$;

CREATE TRIGGER "take_turn" BEFORE INSERT ON "experiments" FOR EACH ROW EXECUTE FUNCTION "take_turn"();
