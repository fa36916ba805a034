-- CreateTable
CREATE TABLE "trajectories" (
    "id" UUID NOT NULL,
    "tenant" TEXT NOT NULL,
    "name" TEXT,
    "about" JSONB NOT NULL,
    "rows" INTEGER NOT NULL,
    "bytes" DOUBLE PRECISION NOT NULL,
    "index" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "trajectories_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "trajectories_tenant_id_idx" ON "trajectories"("tenant", "id");
