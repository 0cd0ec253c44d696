import { useQuery } from "@tanstack/react-query";
import { Link, useRouter, useSearch } from "@tanstack/react-router";
import { post } from "@/api/http";
import { infoQuery } from "@/api/queries";
import { keep } from "@/api/session";
import { Door } from "@/pages/sign/Door";

export function SignIn() {
  const router = useRouter();
  const { to } = useSearch({ from: "/sign-in" });
  const info = useQuery(infoQuery);
  const enter = async (email: string, password: string) => {
    keep(await post("/v1/auth/token", { body: { email, password } }));
    router.history.push(to?.startsWith("/") && !to.startsWith("//") ? to : "/");
  };
  return (
    <Door title="Sign in" button="Sign in" enter={enter}>
      {info.data?.registration === "open" && (
        <>
          New here? <Link to="/sign-up">Make an account</Link>
        </>
      )}
    </Door>
  );
}
