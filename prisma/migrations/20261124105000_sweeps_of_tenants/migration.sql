-- DropIndex
DROP INDEX "sweeps_idempotency_key_key";

-- AlterTable
ALTER TABLE "sweeps" ADD COLUMN     "tenant" TEXT NOT NULL DEFAULT 'default';

-- CreateIndex
CREATE INDEX "sweeps_tenant_id_idx" ON "sweeps"("tenant", "id");

-- CreateIndex
CREATE UNIQUE INDEX "sweeps_tenant_idempotency_key_key" ON "sweeps"("tenant", "idempotency_key");
