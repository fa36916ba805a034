-- CreateIndex
CREATE INDEX "experiments_status_id_idx" ON "experiments"("status", "id");
