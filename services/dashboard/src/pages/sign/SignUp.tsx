import { Link, useNavigate } from "@tanstack/react-router";
import { post } from "@/api/http";
import { keep } from "@/api/session";
import { Door } from "@/pages/sign/Door";

export function SignUp() {
  const navigate = useNavigate();
  const enter = async (email: string, password: string) => {
    await post("/v1/auth/register", { body: { email, password } });
    keep(await post("/v1/auth/token", { body: { email, password } }));
    await navigate({ to: "/" });
  };
  return (
    <Door title="Make an account" button="Sign up" enter={enter} fresh>
      Already have one? <Link to="/sign-in">Sign in</Link>
    </Door>
  );
}
