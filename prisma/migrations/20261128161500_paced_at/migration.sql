-- AlterTable
ALTER TABLE "experiments" ADD COLUMN     "paced_at" TIMESTAMPTZ(3);
