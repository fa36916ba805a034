-- DropIndex
DROP INDEX "experiments_idempotency_key_key";

-- AlterTable
ALTER TABLE "experiments" ADD COLUMN     "recorded" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "tenant" TEXT NOT NULL DEFAULT 'default';

-- AlterTable
ALTER TABLE "segments" ADD COLUMN     "finished_at" TIMESTAMPTZ(3),
ADD COLUMN     "sequence" INTEGER;

-- CreateTable
CREATE TABLE "api_keys" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "tenant" TEXT NOT NULL,
    "scopes" TEXT[],
    "hash" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_keys_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "webhook_secrets" (
    "tenant" TEXT NOT NULL,
    "secret" BYTEA NOT NULL,

    CONSTRAINT "webhook_secrets_pkey" PRIMARY KEY ("tenant")
);

-- CreateTable
CREATE TABLE "deliveries" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "experiment_id" UUID NOT NULL,
    "tenant" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "event" TEXT NOT NULL,
    "payload" JSON NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "next_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "deliveries_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "deliveries_next_at_idx" ON "deliveries"("next_at");

-- CreateIndex
CREATE INDEX "deliveries_experiment_id_idx" ON "deliveries"("experiment_id");

-- CreateIndex
CREATE INDEX "experiments_tenant_id_idx" ON "experiments"("tenant", "id");

-- CreateIndex
CREATE UNIQUE INDEX "experiments_tenant_idempotency_key_key" ON "experiments"("tenant", "idempotency_key");

-- CreateIndex
CREATE INDEX "segments_experiment_id_sequence_idx" ON "segments"("experiment_id", "sequence");

-- CreateIndex
CREATE INDEX "segments_finished_at_idx" ON "segments"("finished_at");

-- AddForeignKey
ALTER TABLE "deliveries" ADD CONSTRAINT "deliveries_experiment_id_fkey" FOREIGN KEY ("experiment_id") REFERENCES "experiments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What was recorded before there were numbers gets them in the order of the segments.
UPDATE "segments" s SET "sequence" = n.sequence
  FROM (SELECT "experiment_id", "index", row_number() OVER (PARTITION BY "experiment_id" ORDER BY "index") AS sequence
          FROM "segments" WHERE "status" = 'allocated') n
 WHERE s."experiment_id" = n."experiment_id" AND s."index" = n."index";
UPDATE "experiments" e SET "recorded" = n.recorded
  FROM (SELECT "experiment_id", max("sequence") AS recorded FROM "segments" GROUP BY 1) n
 WHERE e."id" = n."experiment_id" AND n.recorded IS NOT NULL;

-- The outbox of webhooks: filled in the very transaction that changes a status, whoever changes it.
CREATE FUNCTION "note_status"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "deliveries" ("experiment_id", "tenant", "url", "event", "payload")
  SELECT NEW."id", NEW."tenant", hook ->> 'url', NEW."status"::text,
         json_build_object(
           'type', 'experiment.' || NEW."status",
           'timestamp', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
           'data', json_build_object('id', NEW."id", 'name', NEW."name", 'tags', NEW."tags", 'status', NEW."status",
                                     'error', NEW."error", 'summary', NEW."summary"))
    FROM json_array_elements(NEW."spec" -> 'notify') AS hook
   WHERE NEW."status"::text IN (SELECT json_array_elements_text(hook -> 'events'));
  RETURN NULL;
END
$$;
CREATE TRIGGER "note_status" AFTER UPDATE OF "status" ON "experiments"
  FOR EACH ROW WHEN (OLD."status" IS DISTINCT FROM NEW."status" AND NEW."spec" -> 'notify' IS NOT NULL)
  EXECUTE FUNCTION "note_status"();

-- DropIndex
DROP INDEX "sweeps_idempotency_key_key";

-- AlterTable
ALTER TABLE "sweeps" ADD COLUMN     "tenant" TEXT NOT NULL DEFAULT 'default';

-- CreateIndex
CREATE INDEX "sweeps_tenant_id_idx" ON "sweeps"("tenant", "id");

-- CreateIndex
CREATE UNIQUE INDEX "sweeps_tenant_idempotency_key_key" ON "sweeps"("tenant", "idempotency_key");
