-- CreateTable
CREATE TABLE "object_store" (
    "one" BOOLEAN NOT NULL DEFAULT true,
    "mark" TEXT NOT NULL,

    CONSTRAINT "object_store_pkey" PRIMARY KEY ("one")
);
