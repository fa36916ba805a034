-- AlterTable
ALTER TABLE "experiments" ADD COLUMN     "early" JSONB,
ADD COLUMN     "findings" JSONB;
