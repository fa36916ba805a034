-- CreateTable
CREATE TABLE "datasets" (
    "id" UUID NOT NULL,
    "tenant" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "format" TEXT NOT NULL,
    "shape" INTEGER[],
    "classes" INTEGER NOT NULL,
    "train_examples" INTEGER NOT NULL,
    "test_examples" INTEGER NOT NULL,
    "sha256" TEXT NOT NULL,
    "files" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "datasets_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "datasets_tenant_name_key" ON "datasets"("tenant", "name");
