From Coq Require Import List Bool Arith QArith.
From Coq Require Import Algebra_syntax Ncring Ncring_tac.
Import ListNotations.

(* ---------------------------------------------------------------- matrices of all shapes *)

(* A ring with involution and trace. A rectangular matrix is the corner e_i R e_j of the square
   matrices of one large order; its scalars are the central elements that transposing keeps. *)
Record algebra := {
  carrier :> Type;
  zero : carrier; one : carrier;
  plus : carrier -> carrier -> carrier;
  times : carrier -> carrier -> carrier;
  minus : carrier -> carrier;
  num : Q -> carrier;
  transpose : carrier -> carrier;
  tr : carrier -> carrier;
  inverse : carrier -> carrier;
  plus_comm : forall x y, plus x y = plus y x;
  plus_assoc : forall x y z, plus x (plus y z) = plus (plus x y) z;
  plus_zero : forall x, plus zero x = x;
  plus_minus : forall x, plus x (minus x) = zero;
  times_assoc : forall x y z, times x (times y z) = times (times x y) z;
  one_times : forall x, times one x = x;
  times_one : forall x, times x one = x;
  plus_times : forall x y z, times (plus x y) z = plus (times x z) (times y z);
  times_plus : forall x y z, times z (plus x y) = plus (times z x) (times z y);
  num_equal : forall p q, Qeq p q -> num p = num q;
  num_one : num 1 = one;
  num_plus : forall p q, num (Qplus p q) = plus (num p) (num q);
  num_times : forall p q, num (Qmult p q) = times (num p) (num q);
  scalar : carrier -> Prop;
  scalar_central : forall s x, scalar s -> times s x = times x s;
  scalar_symmetric : forall s, scalar s -> transpose s = s;
  scalar_num : forall q, scalar (num q);
  scalar_tr : forall x, scalar (tr x);
  scalar_times : forall s t, scalar s -> scalar t -> scalar (times s t);
  scalar_inverse : forall s, scalar s -> scalar (inverse s);
  transpose_plus : forall x y, transpose (plus x y) = plus (transpose x) (transpose y);
  transpose_times : forall x y, transpose (times x y) = times (transpose y) (transpose x);
  transpose_twice : forall x, transpose (transpose x) = x;
  tr_plus : forall x y, tr (plus x y) = plus (tr x) (tr y);
  tr_times : forall x y, tr (times x y) = tr (times y x);
  tr_transpose : forall x, tr (transpose x) = tr x;
  tr_scalar : forall s x, scalar s -> tr (times s x) = times s (tr x)
}.

#[global] Instance ring_operations (M : algebra) :
  @Ring_ops M (zero M) (one M) (plus M) (times M) (fun x y => plus M x (minus M y)) (minus M)
    (@eq M) := {}.
#[global] Instance ring_laws (M : algebra) : @Ring M _ _ _ _ _ _ _ (ring_operations M).
Proof.
  constructor; first
    [ apply eq_equivalence | solve [cbv; congruence]
    | exact (plus_zero M) | exact (plus_comm M) | exact (plus_assoc M)
    | exact (one_times M) | exact (times_one M) | exact (times_assoc M)
    | exact (plus_times M) | exact (times_plus M) | exact (plus_minus M)
    | intros; reflexivity ].
Defined.

Section Vocabulary.
Context {M : algebra}.

(* The identity of one dimension, and the dimension as a number. *)
Record is_eye (I n : M) : Prop := {
  eye_eye : times M I I = I; eye_transpose : transpose M I = I; eye_tr : tr M I = n;
  eye_size : scalar M n }.

(* A derivative in time: every matrix and scalar is a function of it. *)
Record derivation (D : M -> M) : Prop := {
  der_plus : forall x y, D (plus M x y) = plus M (D x) (D y);
  der_times : forall x y, D (times M x y) = plus M (times M (D x) y) (times M x (D y));
  der_num : forall q, D (num M q) = zero M;
  der_transpose : forall x, D (transpose M x) = transpose M (D x);
  der_tr : forall x, D (tr M x) = tr M (D x) }.

(* Putting values for symbols. *)
Record substitution (S : M -> M) : Prop := {
  sub_plus : forall x y, S (plus M x y) = plus M (S x) (S y);
  sub_times : forall x y, S (times M x y) = times M (S x) (S y);
  sub_num : forall q, S (num M q) = num M q;
  sub_transpose : forall x, S (transpose M x) = transpose M (S x);
  sub_tr : forall x, S (tr M x) = tr M (S x) }.

(* The values at one instant, at one point: it keeps sums and products, and no derivative. *)
Record evaluation {N : algebra} (v : M -> N) : Prop := {
  value_plus : forall x y, v (plus M x y) = plus N (v x) (v y);
  value_times : forall x y, v (times M x y) = times N (v x) (v y);
  value_num : forall q, v (num M q) = num N q;
  value_transpose : forall x, v (transpose M x) = transpose N (v x);
  value_tr : forall x, v (tr M x) = tr N (v x) }.

(* A loss f with its gradient G and its Hessian action H, uninterpreted. *)
Record is_loss (f G : M -> M) (H : M -> M -> M) : Prop := {
  loss_scalar : forall x, scalar M (f x);
  hess_plus : forall w x y, H w (plus M x y) = plus M (H w x) (H w y);
  hess_scalar : forall w s x, scalar M s -> H w (times M s x) = times M s (H w x) }.

Record chain_rule (D f G : M -> M) (H : M -> M -> M) : Prop := {
  chain_value : forall x, D (f x) = tr M (times M (transpose M (G x)) (D x));
  chain_gradient : forall x, D (G x) = H x (D x) }.

Record put_inside (S f G : M -> M) (H : M -> M -> M) : Prop := {
  inside_value : forall x, S (f x) = f (S x);
  inside_gradient : forall x, S (G x) = G (S x);
  inside_hessian : forall x y, S (H x y) = H (S x) (S y) }.
End Vocabulary.

(* ------------------------------------------------------ expressions, and a proved normal form *)

Inductive expr :=
  | Num (q : Q) | Sca (i : nat) | Size (d : nat) | Mat (i : nat) | Eye (d : nat)
  | Add (a b : expr) | Mul (a b : expr) | Opp (a : expr) | Tp (a : expr) | Tr (a : expr)
  | Inv (a : expr) | Val (f : nat) (a : expr) | Grad (f : nat) (a : expr)
  | Hess (f : nat) (a b : expr) | Der (k : nat) (a : expr) | Sub (k : nat) (a : expr).

Definition expr_dec : forall a b : expr, {a = b} + {a <> b}.
Proof. decide equality; try apply Nat.eq_dec; decide equality; [apply Pos.eq_dec | apply Z.eq_dec].
Defined.

Fixpoint code (a : expr) : list nat :=
  match a with
  | Num (Qmake z p) => [0; Z.abs_nat z; if Z.ltb z 0 then 1 else 0; Pos.to_nat p]
  | Sca i => [1; i] | Size d => [2; d] | Mat i => [3; i] | Eye d => [4; d]
  | Add a b => 5 :: code a ++ code b | Mul a b => 6 :: code a ++ code b
  | Opp a => 7 :: code a | Tp a => 8 :: code a | Tr a => 9 :: code a | Inv a => 10 :: code a
  | Val f a => 11 :: f :: code a | Grad f a => 12 :: f :: code a
  | Hess f a b => 13 :: f :: code a ++ code b
  | Der k a => 14 :: k :: code a | Sub k a => 15 :: k :: code a
  end%nat.

Fixpoint compare_codes (a b : list nat) : comparison :=
  match a, b with
  | [], [] => Eq | [], _ => Lt | _, [] => Gt
  | x :: s, y :: t => match Nat.compare x y with Eq => compare_codes s t | c => c end
  end.

Definition codes (w : list expr) := flat_map code w.
Definition key := (list expr * list expr)%type.
Definition key_dec : forall a b : key, {a = b} + {a <> b}.
Proof. decide equality; apply (list_eq_dec expr_dec). Defined.
Definition compare_keys (a b : key) :=
  compare_codes (codes (fst a) ++ 99%nat :: codes (snd a)) (codes (fst b) ++ 99%nat :: codes (snd b)).
Definition poly := list (Q * key).

(* What the symbols of one derivation are: shapes, symmetry, rates, replacements, divisors. *)
Record table := {
  row : nat -> option nat; column : nat -> option nat; symmetric : nat -> bool;
  loss_row : nat -> option nat; loss_column : nat -> option nat;
  rate : nat -> nat -> expr; scalar_rate : nat -> nat -> expr;
  put : nat -> nat -> expr; scalar_put : nat -> nat -> expr;
  units : list expr }.

Section Normal.
Variable t : table.

Definition is_unit (x : expr) : bool := if in_dec expr_dec x (units t) then true else false.

Fixpoint derive (k : nat) (x : expr) : expr :=
  match x with
  | Num _ => Num 0 | Sca i => scalar_rate t k i | Size _ => Num 0 | Mat i => rate t k i
  | Eye _ => Num 0
  | Add a b => Add (derive k a) (derive k b)
  | Mul a b => Add (Mul (derive k a) b) (Mul a (derive k b))
  | Opp a => Opp (derive k a) | Tp a => Tp (derive k a) | Tr a => Tr (derive k a)
  | Inv (Size d) => if is_unit (Size d) then Num 0 else Der k x
  | Val f a => Tr (Mul (Tp (Grad f a)) (derive k a))
  | Grad f a => Hess f a (derive k a)
  | _ => Der k x
  end.

Fixpoint replace (k : nat) (x : expr) : expr :=
  match x with
  | Num q => Num q | Sca i => scalar_put t k i | Size d => Size d | Mat i => put t k i
  | Eye d => Eye d
  | Add a b => Add (replace k a) (replace k b) | Mul a b => Mul (replace k a) (replace k b)
  | Opp a => Opp (replace k a) | Tp a => Tp (replace k a) | Tr a => Tr (replace k a)
  | Inv (Size d) => if is_unit (Size d) then x else Sub k x
  | Val f a => Val f (replace k a) | Grad f a => Grad f (replace k a)
  | Hess f a b => Hess f (replace k a) (replace k b)
  | _ => Sub k x
  end.

Fixpoint push (x : expr) : expr :=
  match x with
  | Der k a => derive k (push a) | Sub k a => replace k (push a)
  | Add a b => Add (push a) (push b) | Mul a b => Mul (push a) (push b)
  | Opp a => Opp (push a) | Tp a => Tp (push a) | Tr a => Tr (push a)
  | Val f a => Val f (push a) | Grad f a => Grad f (push a)
  | Hess f a b => Hess f (push a) (push b)
  | _ => x
  end.

Definition turn_letter (x : expr) : expr :=
  match x with
  | Tp y => y | Eye d => Eye d
  | Mat i => if symmetric t i then Mat i else Tp (Mat i)
  | _ => Tp x
  end.
Definition turn (w : list expr) := rev (map turn_letter w).

Definition row_of (x : expr) : option nat :=
  match x with
  | Mat i => row t i | Tp (Mat i) => column t i | Eye d => Some d
  | Grad f _ | Hess f _ _ => loss_row t f
  | Tp (Grad f _) | Tp (Hess f _ _) => loss_column t f
  | _ => None
  end.

Definition same (a : option nat) (d : nat) : bool :=
  match a with Some c => Nat.eqb c d | None => false end.

Definition absorb (x : expr) (w : list expr) : list expr :=
  match w with
  | Eye d :: nil => if same (row_of (turn_letter x)) d then x :: nil else x :: w
  | _ => x :: w
  end.
Definition glue (x : expr) (w : list expr) : list expr :=
  match x with
  | Eye d =>
      match w with
      | y :: _ => if same (row_of y) d then w else x :: w
      | [] => x :: nil
      end
  | _ => absorb x w
  end.
Definition clean (w : list expr) := fold_right glue [] w.

Fixpoint insert (x : expr) (s : list expr) : list expr :=
  match s with
  | [] => x :: nil
  | y :: r => match compare_codes (code x) (code y) with Gt => y :: insert x r | _ => x :: s end
  end.
Fixpoint remove (x : expr) (s : list expr) : option (list expr) :=
  match s with
  | [] => None
  | y :: r => if expr_dec x y then Some r else option_map (cons y) (remove x r)
  end.
Definition partner (x : expr) : option expr :=
  match x with
  | Inv y => if is_unit y then Some y else None
  | _ => if is_unit x then Some (Inv x) else None
  end.
Definition join (x : expr) (s : list expr) : list expr :=
  match partner x with
  | Some y => match remove y s with Some r => r | None => insert x s end
  | None => insert x s
  end.

Fixpoint add_term (q : Q) (k : key) (p : poly) : poly :=
  match p with
  | [] => if Qeq_bool q 0 then [] else (q, k) :: nil
  | (c, l) :: r =>
      match compare_keys k l with
      | Lt => (q, k) :: p
      | Gt => (c, l) :: add_term q k r
      | Eq => if key_dec k l
              then (let z := Qred (Qplus q c) in if Qeq_bool z 0 then r else (z, l) :: r)
              else (c, l) :: add_term q k r
      end
  end.
Definition add (a b : poly) : poly := fold_right (fun m => add_term (fst m) (snd m)) b a.
Definition each (g : Q * key -> poly) (p : poly) : poly :=
  fold_right (fun m => add (g m)) [] p.

Fixpoint rotations (n : nat) (w : list expr) : list (list expr) :=
  match n with
  | O => []
  | S n => w :: rotations n (match w with [] => [] | x :: v => v ++ x :: nil end)
  end.
Definition least (a b : list expr) : list expr :=
  match compare_codes (codes a) (codes b) with Gt => b | _ => a end.
Definition cyclic (w : list expr) : list expr :=
  fold_right least w (rotations (length w) w ++ rotations (length w) (turn w)).

Fixpoint word_back (w : list expr) : expr :=
  match w with [] => Num 1 | x :: nil => x | x :: r => Mul x (word_back r) end.
Definition trace_of (w : list expr) : expr :=
  match cyclic w with Eye d :: nil => Size d | c => Tr (word_back c) end.
Fixpoint factor_back (x : expr) : expr :=
  match x with
  | Sca _ | Size _ | Tr _ | Val _ _ => x | Inv a => Inv (factor_back a) | _ => Num 1
  end.
Definition key_back (k : key) : expr :=
  fold_right (fun x a => Mul (factor_back x) a) (word_back (snd k)) (fst k).
Definition back (p : poly) : expr :=
  fold_right (fun m => Add (Mul (Num (fst m)) (key_back (snd m)))) (Num 0) p.

Definition letter (x : expr) : poly := (1%Q, ([], x :: nil)) :: nil.
Definition factor (x : expr) : poly := (1%Q, (x :: nil, [])) :: nil.

Fixpoint norm (x : expr) : poly :=
  match x with
  | Num q => add_term (Qred q) ([], []) []
  | Sca _ | Size _ | Inv (Size _) | Inv (Sca _) => factor x
  | Add a b => add (norm a) (norm b)
  | Opp a => each (fun m => (Qred (Qopp (fst m)), snd m) :: nil) (norm a)
  | Mul a b =>
      each (fun m => each (fun n =>
        (Qred (Qmult (fst m) (fst n)),
          (fold_right join (fst (snd n)) (fst (snd m)), clean (snd (snd m) ++ snd (snd n)))) :: nil)
        (norm b)) (norm a)
  | Tp a => each (fun m => (fst m, (fst (snd m), turn (snd (snd m)))) :: nil) (norm a)
  | Tr a => each (fun m => (fst m, (join (trace_of (snd (snd m))) (fst (snd m)), [])) :: nil) (norm a)
  | Val f a => factor (Val f (back (norm a)))
  | Grad f a => letter (Grad f (back (norm a)))
  | Hess f a b =>
      let p := back (norm a) in
      each (fun m => (fst m, (fst (snd m), Hess f p (word_back (snd (snd m))) :: nil)) :: nil) (norm b)
  | _ => letter x
  end.
End Normal.

(* -------------------------------------------------------------------------- it is correct *)

Record world (M : algebra) := {
  mat : nat -> M; sca : nat -> M; eye : nat -> M; size : nat -> M;
  val : nat -> M -> M; grad : nat -> M -> M; hess : nat -> M -> M -> M;
  der : nat -> M -> M; sub : nat -> M -> M }.

Section Soundness.
Context {M : algebra} (t : table) (E : world M).
Local Notation "x + y" := (plus M x y). Local Notation "x * y" := (times M x y).
Local Notation "0" := (zero M). Local Notation "1" := (one M).

Fixpoint den (x : expr) : M :=
  match x with
  | Num q => num M q | Sca i => sca M E i | Size d => size M E d | Mat i => mat M E i
  | Eye d => eye M E d
  | Add a b => den a + den b | Mul a b => den a * den b | Opp a => minus M (den a)
  | Tp a => transpose M (den a) | Tr a => tr M (den a) | Inv a => inverse M (den a)
  | Val f a => val M E f (den a) | Grad f a => grad M E f (den a)
  | Hess f a b => hess M E f (den a) (den b)
  | Der k a => der M E k (den a) | Sub k a => sub M E k (den a)
  end.

Fixpoint central (x : expr) : M :=
  match x with
  | Sca _ | Size _ | Tr _ | Val _ _ => den x
  | Inv a => inverse M (central a)
  | _ => 1
  end.

Record valid : Prop := {
  v_scalar : forall i, scalar M (sca M E i);
  v_row : forall i d, row t i = Some d -> eye M E d * mat M E i = mat M E i;
  v_column : forall i d, column t i = Some d -> mat M E i * eye M E d = mat M E i;
  v_symmetric : forall i, symmetric t i = true -> transpose M (mat M E i) = mat M E i;
  v_eye : forall d, is_eye (eye M E d) (size M E d);
  v_loss : forall f, is_loss (val M E f) (grad M E f) (hess M E f);
  v_loss_row : forall f d, loss_row t f = Some d ->
    (forall x, eye M E d * grad M E f x = grad M E f x) /\
    (forall x y, eye M E d * hess M E f x y = hess M E f x y);
  v_loss_column : forall f d, loss_column t f = Some d ->
    (forall x, grad M E f x * eye M E d = grad M E f x) /\
    (forall x y, hess M E f x y * eye M E d = hess M E f x y);
  v_derivation : forall k, derivation (der M E k);
  v_chain : forall k f, chain_rule (der M E k) (val M E f) (grad M E f) (hess M E f);
  v_still : forall k d, der M E k (eye M E d) = 0;
  v_rate : forall k i, der M E k (mat M E i) = den (rate t k i);
  v_scalar_rate : forall k i, der M E k (sca M E i) = den (scalar_rate t k i);
  v_substitution : forall k, substitution (sub M E k);
  v_inside : forall k f, put_inside (sub M E k) (val M E f) (grad M E f) (hess M E f);
  v_same : forall k d, sub M E k (eye M E d) = eye M E d;
  v_put : forall k i, sub M E k (mat M E i) = den (put t k i);
  v_scalar_put : forall k i, sub M E k (sca M E i) = den (scalar_put t k i);
  v_units : Forall (fun x => central x * inverse M (central x) = 1) (units t) }.

Hypothesis V : valid.

Lemma zero_times (x : M) : 0 * x = 0.
Proof. exact (ring_mul_0_l x). Qed.
Lemma times_zero (x : M) : x * 0 = 0.
Proof. exact (ring_mul_0_r x). Qed.
Lemma num_zero : num M 0%Q = 0.
Proof.
  assert (H : num M 0%Q + num M 0%Q = num M 0%Q).
  { rewrite <- num_plus. apply num_equal. reflexivity. }
  transitivity (num M 0%Q + (num M 0%Q + minus M (num M 0%Q))).
  - rewrite plus_minus, plus_comm, plus_zero. reflexivity.
  - rewrite plus_assoc, H. apply plus_minus.
Qed.
Lemma twice (x : M) : x + x = x -> x = 0.
Proof.
  intro H. transitivity (x + (x + minus M x)).
  - rewrite plus_minus, plus_comm, plus_zero. reflexivity.
  - rewrite plus_assoc, H. apply plus_minus.
Qed.
Lemma additive_zero (h : M -> M) : (forall x y, h (x + y) = h x + h y) -> h 0 = 0.
Proof. intro H. apply twice. rewrite <- H, plus_zero. reflexivity. Qed.
Lemma additive_minus (h : M -> M) : (forall x y, h (x + y) = h x + h y) ->
  forall x, h (minus M x) = minus M (h x).
Proof.
  intros H x. transitivity (minus M (h x) + (h x + h (minus M x))).
  - set (a := h x). set (b := h (minus M x)). non_commutative_ring.
  - rewrite <- H, plus_minus, (additive_zero h H). set (a := h x). non_commutative_ring.
Qed.
Lemma minus_is (x : M) : minus M x = num M (Qopp 1) * x.
Proof.
  assert (H : num M (Qopp 1) = minus M 1).
  { transitivity (minus M 1 + (num M 1%Q + num M (Qopp 1))).
    - rewrite num_one. set (b := num M (Qopp 1)). non_commutative_ring.
    - rewrite <- num_plus, (num_equal M (Qplus 1 (Qopp 1)) 0%Q) by reflexivity.
      rewrite num_zero, plus_comm, plus_zero. reflexivity. }
  rewrite H. non_commutative_ring.
Qed.

Lemma transpose_zero : transpose M 0 = 0.
Proof. apply additive_zero, transpose_plus. Qed.
Lemma tr_zero : tr M 0 = 0.
Proof. apply additive_zero, tr_plus. Qed.

Lemma unit_right x : is_unit t x = true -> central x * inverse M (central x) = 1.
Proof.
  unfold is_unit. destruct (in_dec expr_dec x (units t)) as [i|]; [|discriminate].
  intros _. pose proof (v_units V) as u. rewrite Forall_forall in u. exact (u _ i).
Qed.

Lemma derive_right k x : den (derive t k x) = der M E k (den x).
Proof.
  pose proof (v_derivation V k) as d.
  assert (z : forall n, der M E k (size M E n) = 0).
  { intro n. rewrite <- (eye_tr _ _ (v_eye V n)), (der_tr _ d), (v_still V), tr_zero. reflexivity. }
  induction x; simpl; try reflexivity.
  - rewrite (der_num _ d). apply num_zero.
  - symmetry. apply (v_scalar_rate V).
  - rewrite num_zero. symmetry. apply z.
  - symmetry. apply (v_rate V).
  - rewrite num_zero. symmetry. apply (v_still V).
  - rewrite (der_plus _ d). congruence.
  - rewrite (der_times _ d). congruence.
  - rewrite IHx. symmetry. apply (additive_minus _ (der_plus _ d)).
  - rewrite (der_transpose _ d). congruence.
  - rewrite (der_tr _ d). congruence.
  - destruct x; try reflexivity. destruct (is_unit t (Size d0)) eqn:u; [|reflexivity].
    apply unit_right in u. simpl in *. rewrite num_zero.
    set (n := size M E d0) in *. set (m := inverse M n) in *.
    assert (H : n * der M E k m = 0).
    { assert (H : der M E k (n * m) = 0) by (rewrite u, <- num_one; apply (der_num _ d)).
      rewrite (der_times _ d) in H. unfold n at 1 in H. rewrite z, zero_times, plus_zero in H.
      exact H. }
    transitivity (m * (n * der M E k m)).
    + rewrite H, times_zero. reflexivity.
    + rewrite times_assoc, <- (scalar_central M n m (eye_size _ _ (v_eye V d0))), u.
      apply one_times.
  - rewrite (chain_value _ _ _ _ (v_chain V k f)). congruence.
  - rewrite (chain_gradient _ _ _ _ (v_chain V k f)). congruence.
Qed.

Lemma replace_right k x : den (replace t k x) = sub M E k (den x).
Proof.
  pose proof (v_substitution V k) as s.
  assert (z : forall n, sub M E k (size M E n) = size M E n).
  { intro n. rewrite <- (eye_tr _ _ (v_eye V n)), (sub_tr _ s), (v_same V). reflexivity. }
  induction x; simpl; try reflexivity.
  - symmetry. apply (sub_num _ s).
  - symmetry. apply (v_scalar_put V).
  - symmetry. apply z.
  - symmetry. apply (v_put V).
  - symmetry. apply (v_same V).
  - rewrite (sub_plus _ s). congruence.
  - rewrite (sub_times _ s). congruence.
  - rewrite IHx. symmetry. apply (additive_minus _ (sub_plus _ s)).
  - rewrite (sub_transpose _ s). congruence.
  - rewrite (sub_tr _ s). congruence.
  - destruct x; try reflexivity. destruct (is_unit t (Size d)) eqn:u; [|reflexivity].
    apply unit_right in u. simpl in *.
    pose proof (eye_size _ _ (v_eye V d)) as c.
    pose proof (z d) as zd. set (n := size M E d) in *. set (m := inverse M n) in *.
    assert (H : n * sub M E k m = 1).
    { rewrite <- zd at 1. rewrite <- (sub_times _ s), u, <- num_one. apply (sub_num _ s). }
    transitivity (m * (n * sub M E k m)).
    + rewrite H, times_one. reflexivity.
    + rewrite times_assoc, <- (scalar_central M n m c), u. apply one_times.
  - rewrite (inside_value _ _ _ _ (v_inside V k f)). congruence.
  - rewrite (inside_gradient _ _ _ _ (v_inside V k f)). congruence.
  - rewrite (inside_hessian _ _ _ _ (v_inside V k f)). congruence.
Qed.

Lemma push_right x : den (push t x) = den x.
Proof.
  induction x; simpl; try congruence.
  - rewrite derive_right. congruence.
  - rewrite replace_right. congruence.
Qed.

(* Words, scalar factors, sums. *)
Definition word (w : list expr) : M := fold_right (fun x a => den x * a) 1 w.
Definition factors (s : list expr) : M := fold_right (fun x a => central x * a) 1 s.
Definition term (m : Q * key) : M := num M (fst m) * (factors (fst (snd m)) * word (snd (snd m))).
Definition total (p : poly) : M := fold_right (fun m a => term m + a) 0 p.

Lemma central_scalar x : scalar M (central x).
Proof.
  induction x; simpl; try (rewrite <- num_one; apply scalar_num).
  - apply (v_scalar V). - apply (eye_size _ _ (v_eye V d)). - apply scalar_tr.
  - apply scalar_inverse. assumption.
  - apply (loss_scalar _ _ _ (v_loss V f)).
Qed.
Lemma factors_scalar s : scalar M (factors s).
Proof.
  induction s; simpl; [rewrite <- num_one; apply scalar_num |].
  apply scalar_times; [apply central_scalar | assumption].
Qed.

Lemma swap s (x y : M) : scalar M s -> x * (s * y) = s * (x * y).
Proof. intro c. rewrite 2!times_assoc, (scalar_central M s x c). reflexivity. Qed.

Lemma word_app v w : word (v ++ w) = word v * word w.
Proof.
  induction v as [|x v]; simpl; [symmetry; apply one_times |].
  rewrite IHv. apply times_assoc.
Qed.

Lemma turn_letter_right x : den (turn_letter t x) = transpose M (den x).
Proof.
  destruct x; simpl; try reflexivity.
  - destruct (symmetric t i) eqn:s; [symmetry; apply (v_symmetric V _ s) | reflexivity].
  - symmetry. apply (eye_transpose _ _ (v_eye V d)).
  - symmetry. apply transpose_twice.
Qed.

Lemma one_transpose : transpose M 1 = 1.
Proof. apply scalar_symmetric. rewrite <- num_one. apply scalar_num. Qed.

Lemma turn_right w : word (turn t w) = transpose M (word w).
Proof.
  unfold turn. induction w as [|x w]; simpl; [symmetry; apply one_transpose |].
  rewrite word_app, IHw, transpose_times. simpl. rewrite times_one, turn_letter_right. reflexivity.
Qed.

Lemma same_some a d : same a d = true -> a = Some d.
Proof.
  destruct a as [c|]; simpl; [|discriminate]. intro H. apply Nat.eqb_eq in H. congruence.
Qed.

Lemma from_right (x I : M) : transpose M I = I -> x * I = x -> I * transpose M x = transpose M x.
Proof. intros s H. rewrite <- H at 2. rewrite transpose_times, s. reflexivity. Qed.

Lemma row_right x d : row_of t x = Some d -> eye M E d * den x = den x.
Proof.
  destruct x; simpl; try discriminate; intro H.
  - apply (v_row V _ _ H).
  - injection H as <-. apply (eye_eye _ _ (v_eye V _)).
  - destruct x; simpl in *; try discriminate;
      (apply from_right; [apply (eye_transpose _ _ (v_eye V d)) |]).
    + apply (v_column V _ _ H).
    + apply (v_loss_column V _ _ H).
    + apply (v_loss_column V _ _ H).
  - apply (v_loss_row V _ _ H).
  - apply (v_loss_row V _ _ H).
Qed.

Lemma column_right x d : row_of t (turn_letter t x) = Some d -> den x * eye M E d = den x.
Proof.
  intro H. apply row_right in H. rewrite turn_letter_right in H.
  rewrite <- (transpose_twice M (den x)), <- H at 1.
  rewrite transpose_times, transpose_twice, (eye_transpose _ _ (v_eye V d)).
  rewrite <- times_assoc, (eye_eye _ _ (v_eye V d)).
  rewrite <- (transpose_twice M (den x)) at 2. rewrite <- H.
  rewrite transpose_times, transpose_twice, (eye_transpose _ _ (v_eye V d)). reflexivity.
Qed.

Lemma absorb_right x w : word (absorb t x w) = den x * word w.
Proof.
  unfold absorb. destruct w as [|y r]; [reflexivity |].
  destruct y; try reflexivity. destruct r; try reflexivity.
  destruct (same _ d) eqn:s; [|reflexivity]. apply same_some in s. simpl.
  rewrite 2!times_one. symmetry. apply (column_right _ _ s).
Qed.
Lemma glue_right x w : word (glue t x w) = den x * word w.
Proof.
  destruct x; try apply absorb_right. simpl. destruct w as [|y r]; [reflexivity |].
  destruct (same _ d) eqn:s; [|reflexivity]. apply same_some in s. simpl.
  rewrite times_assoc, (row_right _ _ s). reflexivity.
Qed.
Lemma clean_right w : word (clean t w) = word w.
Proof. induction w as [|x w]; simpl; [reflexivity |]. rewrite glue_right. congruence. Qed.

Lemma insert_right x s : factors (insert x s) = central x * factors s.
Proof.
  induction s as [|y s]; simpl; [reflexivity |].
  destruct (compare_codes _ _); simpl; try reflexivity.
  rewrite IHs. apply swap, central_scalar.
Qed.
Lemma remove_right x s r : remove x s = Some r -> factors s = central x * factors r.
Proof.
  revert r. induction s as [|y s]; simpl; [discriminate |]. intros r H.
  destruct (expr_dec x y) as [<-|_]; [injection H as <-; reflexivity |].
  destruct (remove x s) as [v|]; [|discriminate]. injection H as <-. simpl.
  rewrite (IHs v eq_refl). apply swap, central_scalar.
Qed.
Lemma partner_right x y : partner t x = Some y -> central x * central y = 1.
Proof.
  assert (U : forall z w, (if is_unit t z then Some (Inv z) else None) = Some w ->
    central z * central w = 1).
  { intros z w. destruct (is_unit t z) eqn:u; [|discriminate]. intro H. injection H as <-.
    apply (unit_right _ u). }
  destruct x; simpl; try apply U.
  destruct (is_unit t x) eqn:u; [|discriminate]. intro H. injection H as <-.
  rewrite <- (scalar_central M (central x)); [apply (unit_right _ u) | apply central_scalar].
Qed.
Lemma join_right x s : factors (join t x s) = central x * factors s.
Proof.
  unfold join. destruct (partner t x) as [y|] eqn:p; [|apply insert_right].
  destruct (remove y s) as [r|] eqn:H; [|apply insert_right].
  rewrite (remove_right _ _ _ H), times_assoc, (partner_right _ _ p). symmetry. apply one_times.
Qed.
Lemma join_all_right r s : factors (fold_right (join t) s r) = factors r * factors s.
Proof.
  induction r as [|x r]; simpl; [symmetry; apply one_times |].
  rewrite join_right, IHr. apply times_assoc.
Qed.

Lemma num_reduced q : num M (Qred q) = num M q.
Proof. apply num_equal, Qred_correct. Qed.
Lemma num_null q : Qeq_bool q 0 = true -> num M q = 0.
Proof. intro H. rewrite (num_equal M q 0%Q); [apply num_zero | apply Qeq_bool_eq, H]. Qed.

Lemma add_term_right q k p : total (add_term q k p) = term (q, k) + total p.
Proof.
  assert (N : forall c l, Qeq_bool c 0 = true -> term (c, l) = 0).
  { intros c l H. unfold term. simpl. rewrite (num_null _ H). apply zero_times. }
  induction p as [|[c l] p]; simpl.
  - destruct (Qeq_bool q 0) eqn:H; simpl; [rewrite (N _ _ H), plus_zero |]; reflexivity.
  - assert (S : term (c, l) + (term (q, k) + total p) = term (q, k) + (term (c, l) + total p)).
    { rewrite 2!plus_assoc, (plus_comm M (term (c, l))). reflexivity. }
    destruct (compare_keys k l); simpl; try reflexivity; [|rewrite IHp; exact S].
    destruct (key_dec k l) as [<-|_]; [|simpl; rewrite IHp; exact S]. cbv zeta.
    assert (H : term (Qred (Qplus q c), k) = term (q, k) + term (c, k)).
    { unfold term. cbn [fst snd]. rewrite num_reduced, num_plus. apply plus_times. }
    destruct (Qeq_bool _ 0) eqn:e; simpl; rewrite plus_assoc, <- H; [|reflexivity].
    rewrite (N _ _ e), plus_zero. reflexivity.
Qed.
Lemma add_right a b : total (add a b) = total a + total b.
Proof.
  induction a as [|[q k] a]; simpl; [symmetry; apply plus_zero |].
  rewrite add_term_right, IHa. apply plus_assoc.
Qed.
Lemma each_right (h : M -> M) g p : (forall x y, h (x + y) = h x + h y) ->
  (forall m, total (g m) = h (term m)) -> total (each g p) = h (total p).
Proof.
  intros a H. induction p as [|m p]; simpl; [symmetry; apply (additive_zero h a) |].
  rewrite add_right, H, IHp. symmetry. apply a.
Qed.
Lemma single m : total (m :: nil) = term m.
Proof. simpl. rewrite plus_comm. apply plus_zero. Qed.

Lemma rotations_right n w v : In v (rotations n w) -> tr M (word v) = tr M (word w).
Proof.
  revert w. induction n as [|n]; simpl; [contradiction |]. intros w [<-|H]; [reflexivity |].
  rewrite (IHn _ H). destruct w as [|x w]; [reflexivity |].
  rewrite word_app. simpl. rewrite times_one. apply tr_times.
Qed.
Lemma least_of (P : list expr -> Prop) w l : P w -> (forall v, In v l -> P v) ->
  P (fold_right least w l).
Proof.
  intros b H. induction l as [|v l]; simpl; [exact b |].
  unfold least at 1. destruct (compare_codes _ _); try (apply H; left; reflexivity).
  apply IHl. intros u i. apply H. right. exact i.
Qed.
Lemma cyclic_right w : tr M (word (cyclic t w)) = tr M (word w).
Proof.
  unfold cyclic. apply (least_of (fun v => tr M (word v) = tr M (word w))); [reflexivity |].
  intros v i. apply in_app_or in i as [i|i]; [apply (rotations_right _ _ _ i) |].
  rewrite (rotations_right _ _ _ i), turn_right. apply tr_transpose.
Qed.
Lemma word_back_right w : den (word_back w) = word w.
Proof.
  induction w as [|x w]; simpl; [apply num_one |].
  destruct w as [|y w]; simpl in *; [symmetry; apply times_one | congruence].
Qed.
Lemma trace_right w : central (trace_of t w) = tr M (word w).
Proof.
  rewrite <- cyclic_right. unfold trace_of. destruct (cyclic t w) as [|x v] eqn:c.
  { simpl. rewrite num_one. reflexivity. }
  assert (D : central (Tr (word_back (x :: v))) = tr M (word (x :: v))).
  { cbn [central den]. rewrite word_back_right. reflexivity. }
  destruct x; try exact D. destruct v; try exact D. simpl.
  rewrite times_one. symmetry. apply (eye_tr _ _ (v_eye V d)).
Qed.

Lemma factor_back_right x : den (factor_back x) = central x.
Proof. induction x; simpl; try reflexivity; try apply num_one. congruence. Qed.
Lemma key_back_right k : den (key_back k) = factors (fst k) * word (snd k).
Proof.
  unfold key_back. destruct k as [s w]. simpl. induction s as [|x s]; simpl.
  - rewrite one_times. apply word_back_right.
  - rewrite IHs, factor_back_right. apply times_assoc.
Qed.
Lemma back_right p : den (back p) = total p.
Proof.
  induction p as [|[q k] p]; simpl; [apply num_zero |].
  rewrite key_back_right, IHp. reflexivity.
Qed.

Lemma letter_right x : total (letter x) = den x.
Proof.
  unfold letter. rewrite single. unfold term. simpl.
  rewrite num_one, times_one, 2!one_times. reflexivity.
Qed.
Lemma factor_right x : central x = den x -> total (factor x) = den x.
Proof.
  intro H. unfold factor. rewrite single. unfold term. simpl.
  rewrite num_one, 2!times_one, one_times. exact H.
Qed.

Lemma trace_term q s w :
  tr M (num M q * (factors s * word w)) = num M q * (factors s * tr M (word w)).
Proof.
  rewrite tr_scalar by apply scalar_num. rewrite tr_scalar by apply factors_scalar. reflexivity.
Qed.

Lemma gather (q p r s w v : M) : scalar M p -> scalar M r ->
  q * p * (s * r * (w * v)) = q * (s * w) * (p * (r * v)).
Proof.
  intros c d. transitivity (q * ((s * w) * (p * (r * v)))); [|apply times_assoc].
  rewrite (swap p) by exact c. rewrite <- (times_assoc M s w), (swap r) by exact d.
  non_commutative_ring.
Qed.

Theorem norm_right x : total (norm t x) = den x.
Proof.
  induction x; cbn [norm]; try apply letter_right; try (apply factor_right; reflexivity).
  - rewrite add_term_right. unfold term. cbn [fst snd]. rewrite num_reduced.
    simpl. rewrite !times_one, plus_comm. apply plus_zero.
  - rewrite add_right. simpl. congruence.
  - rewrite (each_right (fun x => x * den x2)); [rewrite IHx1; reflexivity | intros; apply plus_times |].
    intros [q [s w]]. cbn [fst snd].
    rewrite (each_right (fun y => term (q, (s, w)) * y)); [rewrite IHx2; reflexivity | intros; apply times_plus |].
    intros [p [r v]]. rewrite single. unfold term. cbn [fst snd].
    rewrite num_reduced, num_times, join_all_right, clean_right, word_app.
    apply gather; [apply scalar_num | apply factors_scalar].
  - rewrite (each_right (minus M)); [cbn [den]; congruence | intros; non_commutative_ring |].
    intros [q k]. rewrite single. unfold term. cbn [fst snd].
    rewrite num_reduced. rewrite (minus_is (num M q * _)).
    rewrite (num_equal M (Qopp q) (Qmult (Qopp 1) q)), num_times by (destruct q; reflexivity).
    symmetry. apply times_assoc.
  - rewrite (each_right (transpose M)); [cbn [den]; congruence | apply transpose_plus |].
    intros [q [s w]]. rewrite single. unfold term. cbn [fst snd].
    rewrite turn_right, !transpose_times.
    rewrite (scalar_symmetric M (num M q)), (scalar_symmetric M (factors s))
      by (apply factors_scalar || apply scalar_num).
    rewrite <- (scalar_central M (factors s)) by apply factors_scalar.
    symmetry. rewrite <- (scalar_central M (num M q)) by apply scalar_num. reflexivity.
  - rewrite (each_right (tr M)); [cbn [den]; congruence | apply tr_plus |].
    intros [q [s w]]. rewrite single. unfold term. cbn [fst snd].
    rewrite join_right, trace_right, trace_term. simpl word. rewrite times_one. f_equal.
    apply scalar_central, scalar_tr.
  - destruct x; try apply letter_right; apply factor_right; reflexivity.
  - rewrite factor_right by reflexivity. simpl. rewrite back_right. congruence.
  - rewrite letter_right. simpl. rewrite back_right. congruence.
  - rewrite (each_right (hess M E f (den x1)));
      [cbn [den]; congruence | intros; apply (hess_plus _ _ _ (v_loss V f)) |].
    intros [q [s w]]. rewrite single. unfold term. cbn [fst snd].
    rewrite !(hess_scalar _ _ _ (v_loss V f)) by (apply factors_scalar || apply scalar_num).
    simpl. rewrite times_one, back_right, word_back_right, IHx1. reflexivity.
Qed.

(* A hypothesis left = right, as it is used: c p (left - right) s, transposed or in a trace. *)
Inductive use := Use (i : nat) (turned traced : bool) (c p s : expr).
Definition gap (hs : list (expr * expr)) (u : use) : expr :=
  match u with
  | Use i turned traced c p s =>
      let h := List.nth i hs (Num 0, Num 0) in
      let d := Add (fst h) (Opp (snd h)) in
      let w := Mul p (Mul (if turned then Tp d else d) s) in
      Mul c (if traced then Tr w else w)
  end.
Definition gaps hs us := fold_right (fun u a => Add (gap hs u) a) (Num 0) us.
Definition hold (hs : list (expr * expr)) : Prop :=
  fold_right (fun h a => den (fst h) = den (snd h) /\ a) True hs.

Lemma minus_self (x : M) : x + minus M x = 0.
Proof. apply plus_minus. Qed.
Lemma hold_nth hs i : hold hs ->
  den (fst (List.nth i hs (Num 0, Num 0))) = den (snd (List.nth i hs (Num 0, Num 0))).
Proof.
  revert i. induction hs as [|h hs]; intros [|i]; simpl; try reflexivity; intros [a b];
    [exact a | apply IHhs, b].
Qed.
Lemma gaps_right hs us : hold hs -> den (gaps hs us) = 0.
Proof.
  intro H. induction us as [|[i turned traced c p s] us]; simpl; [apply num_zero |].
  rewrite IHus, plus_comm, plus_zero.
  assert (Z : den (if turned then Tp (Add (fst (List.nth i hs (Num 0, Num 0)))
      (Opp (snd (List.nth i hs (Num 0, Num 0))))) else Add (fst (List.nth i hs (Num 0, Num 0)))
      (Opp (snd (List.nth i hs (Num 0, Num 0))))) = 0).
  { destruct turned; simpl; rewrite (hold_nth _ i H), minus_self;
      [apply transpose_zero | reflexivity]. }
  destruct traced; simpl; rewrite Z, zero_times, times_zero, ?tr_zero; apply times_zero.
Qed.

(* What proves every line: the difference of its sides is a sum of uses of its hypotheses. *)
Definition decides (hs : list (expr * expr)) (us : list use) (x y : expr) : bool :=
  match norm t (push t (Add x (Opp (Add y (gaps hs us))))) with [] => true | _ => false end.

Lemma decided_gaps hs us x y : decides hs us x y = true -> den x = den y + den (gaps hs us).
Proof.
  unfold decides. intro e. set (z := Add x (Opp (Add y (gaps hs us)))) in e.
  assert (n : den z = 0).
  { rewrite <- push_right, <- norm_right. destruct (norm t (push t z)); [reflexivity |].
    discriminate. }
  cbn [z den] in n. unfold z in n. cbn [den] in n.
  set (a := den x) in *. set (b := den y) in *. set (c := den (gaps hs us)) in *.
  transitivity (0 + (b + c)); [|apply plus_zero]. rewrite <- n. non_commutative_ring.
Qed.
Theorem decided hs us x y : hold hs -> decides hs us x y = true -> den x = den y.
Proof.
  intros H e. rewrite (decided_gaps _ _ _ _ e), (gaps_right _ us H), plus_comm. apply plus_zero.
Qed.
End Soundness.

(* What is supposed at one instant is used there alone: value goes to another ring, and nothing
   is known of the derivative of what it sends to zero. *)
Section Instant.
Context {M N : algebra} (t : table) (E : world M) (value : M -> N).
Hypothesis V : valid t E.
Hypothesis v : evaluation value.

Definition hold_at (hs : list (expr * expr)) : Prop :=
  fold_right (fun h a => value (den E (fst h)) = value (den E (snd h)) /\ a) True hs.

Lemma value_zero : value (zero M) = zero N.
Proof. rewrite <- (num_zero (M := M)), (value_num _ v). apply num_zero. Qed.
Lemma value_gap (x y : M) : value x = value y -> value (plus M x (minus M y)) = zero N.
Proof.
  intro H. rewrite (value_plus _ v), H, <- (value_plus _ v), plus_minus. apply value_zero.
Qed.
Lemma hold_at_nth hs i : hold_at hs ->
  value (den E (fst (List.nth i hs (Num 0, Num 0)))) =
  value (den E (snd (List.nth i hs (Num 0, Num 0)))).
Proof.
  revert i. induction hs as [|h hs]; intros [|i]; simpl; try reflexivity; intros [a b];
    [exact a | apply IHhs, b].
Qed.
Lemma gaps_at hs us : hold_at hs -> value (den E (gaps hs us)) = zero N.
Proof.
  intro H. induction us as [|[i turned traced c p s] us]; simpl.
  { rewrite num_zero. apply value_zero. }
  rewrite (value_plus _ v), IHus, plus_comm, plus_zero.
  pose proof (value_gap _ _ (hold_at_nth _ i H)) as Z.
  destruct turned, traced; simpl;
    rewrite (value_times _ v), ?(value_tr _ v), 2!(value_times _ v), ?(value_transpose _ v), Z,
      ?transpose_zero, zero_times, times_zero, ?tr_zero; apply times_zero.
Qed.
Theorem decided_at hs us x y : hold_at hs -> decides t hs us x y = true ->
  value (den E x) = value (den E y).
Proof.
  intros H e. rewrite (decided_gaps t E V _ _ _ _ e), (value_plus _ v), (gaps_at _ us H).
  rewrite plus_comm. apply plus_zero.
Qed.
End Instant.

(* -------------------------------------------- what stands where a derivation has no symbol *)

Section Absent.
Context {M : algebra}.
Let nil : M := num M 0.

Lemma no_scalar : scalar M nil.
Proof. apply scalar_num. Qed.
Lemma no_eye : is_eye nil nil.
Proof.
  pose proof (num_zero (M := M)) as z. unfold nil. constructor.
  - rewrite z. apply zero_times.
  - apply scalar_symmetric, scalar_num.
  - rewrite z. apply tr_zero.
  - apply scalar_num.
Qed.
Lemma no_loss : is_loss (fun _ => nil) (fun _ => nil) (fun _ _ => nil).
Proof.
  pose proof (num_zero (M := M)) as z. unfold nil. constructor; intros.
  - apply scalar_num. - rewrite z. symmetry. apply plus_zero.
  - rewrite z. symmetry. apply times_zero.
Qed.
Lemma no_chain (D : M -> M) : derivation D ->
  chain_rule D (fun _ => nil) (fun _ => nil) (fun _ _ => nil).
Proof.
  intro d. pose proof (num_zero (M := M)) as z. unfold nil. constructor; intros.
  - rewrite (der_num _ d), z, transpose_zero, zero_times, tr_zero. reflexivity.
  - rewrite (der_num _ d). symmetry. exact z.
Qed.
Lemma no_motion f G (H : M -> M -> M) : is_loss f G H -> chain_rule (fun _ => nil) f G H.
Proof.
  intro l. pose proof (num_zero (M := M)) as z. unfold nil. constructor; intros; rewrite z.
  - rewrite times_zero, tr_zero. reflexivity.
  - symmetry. apply (additive_zero (H x)). apply (hess_plus _ _ _ l).
Qed.
Lemma no_inside (S : M -> M) : substitution S ->
  put_inside S (fun _ => nil) (fun _ => nil) (fun _ _ => nil).
Proof. intro s. constructor; intros; apply (sub_num _ s). Qed.
Lemma no_rate (D : M -> M) : derivation D -> D nil = num M 0.
Proof. intro d. unfold nil. rewrite (der_num _ d). symmetry. apply num_zero. Qed.
Lemma no_put (S : M -> M) : substitution S -> S nil = num M 0.
Proof. intro s. apply (sub_num _ s). Qed.
Lemma no_derivation : derivation (fun _ => nil).
Proof.
  pose proof (num_zero (M := M)) as z. unfold nil. constructor; intros; rewrite z.
  - symmetry. apply plus_zero.
  - rewrite zero_times, times_zero. symmetry. apply plus_zero.
  - reflexivity.
  - symmetry. apply transpose_zero.
  - symmetry. apply tr_zero.
Qed.
Lemma no_substitution : substitution (fun x : M => x).
Proof. constructor; reflexivity. Qed.
End Absent.

(* Proofs of many statements in one list: asked once, Coq says what they all rest on. *)
Inductive proof := Proved (A : Prop) (a : A).
Inductive anything := Any (A : Type) (a : A).
