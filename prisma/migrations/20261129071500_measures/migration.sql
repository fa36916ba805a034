-- AlterTable
ALTER TABLE "experiments" ADD COLUMN     "measures" BYTEA;

-- CreateIndex
CREATE INDEX "experiments_sweep_id_status_idx" ON "experiments"("sweep_id", "status");

-- Read whole, thousands at a time, and no compression finds anything in float64s.
ALTER TABLE "experiments" ALTER COLUMN "measures" SET STORAGE EXTERNAL;

-- They are of the run that succeeded, and of nothing else that may become of the experiment, whichever version does it.
CREATE FUNCTION "forget_measures"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.measures := NULL;
  RETURN NEW;
END
$$;

CREATE TRIGGER "forget_measures" BEFORE UPDATE OF "status" ON "experiments"
  FOR EACH ROW WHEN (OLD.status = 'succeeded' AND NEW.status <> 'succeeded')
  EXECUTE FUNCTION "forget_measures"();
